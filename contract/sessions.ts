/** Sessions: people who are signed in with a browser. OpenAI has them in its dashboard only. */
import {
  anyId,
  cursor,
  del,
  deleted,
  described,
  email,
  get,
  id,
  list,
  nullable,
  object,
  oneOf,
  optional,
  post,
  t,
  time,
} from './kit.ts'

export const SESSION_SECONDS = 12 * 60 * 60
export const IDLE_SECONDS = 60 * 60
/** How long a link to sign in can be used. */
export const LINK_SECONDS = 15 * 60
/** How many sessions a person can have; the oldest ends for another. */
export const MOST_SESSIONS = 50

export const signInMethods = ['admin_key', 'link', 'oidc'] as const
export type SignInMethod = (typeof signInMethods)[number]

export const Session = object(
  'organization.session',
  {
    id: id('sess_'),
    user: t.Object({ id: id('user-'), name: t.String(), email: t.String() }),
    created_at: time(),
    expires_at: time('When it ends, however much it is used'),
    last_used_at: time('At most ten seconds behind. A session that is not used for an hour ends'),
    ip_address: nullable(t.String({ description: 'Where the person signed in from.' })),
    user_agent: nullable(t.String({ description: 'What the person signed in with.' })),
    method: described(oneOf(...signInMethods), 'How the person signed in.'),
    current: t.Boolean({ description: 'Whether it is the session that makes this call.' }),
  },
  'A person who is signed in with a browser. It may do what the roles of its person permit, and nothing else; one that began with an admin key also stays within the scopes of the key. It ends after twelve hours or one without use, on signing out, when the person leaves the organization or loses the role in it that they signed in with, and when its admin key is deleted or expires.',
)

const path = '/organization/sessions'

export const sessions = {
  list: get(path, {
    about:
      'Lists the sessions of the caller, newest first; with `api.management.read` in the organization those of all people.',
    can: 'api.management.read',
    reach: 'own',
    query: { ...cursor(), user_id: optional(anyId('Only sessions of this person.')) },
    returns: list(Session),
    extension: true,
  }),
  create: post(path, {
    about:
      'Signs a person in. The answer sets a cookie that only pages of this server can use, with the header `x-keyhall-console: 1`. The call itself must come from such a page as well.',
    can: null,
    fromPage: true,
    audit: ['login.succeeded', 'logout.succeeded'],
    body: {
      admin_key: optional(
        t.String({ minLength: 1, maxLength: 256, description: 'An admin key; its owner is signed in.' }),
      ),
      token: optional(
        t.String({ minLength: 1, maxLength: 256, description: 'What stands behind `#token=` in a link to sign in.' }),
      ),
    },
    bodyRules: [{ atMostOne: ['admin_key', 'token'] }, { atLeastOne: ['admin_key', 'token'] }],
    returns: Session,
    extension: true,
  }),
  delete: del(`${path}/{session_id}`, {
    about:
      'Ends a session, at once: one of the caller, or of anybody with `api.management.write` in the organization. `current` is the session that makes the call.',
    can: 'api.management.read',
    reach: 'own',
    audit: 'logout.succeeded',
    returns: deleted('organization.session'),
    extension: true,
  }),
}

export const sessionLinks = {
  create: post(`${path}/links`, {
    about:
      'Sends a link to sign in to the person with this e-mail address. The answer is the same whether there is such a person or not. A link works once, for 15 minutes. The call must come from a page of this server.',
    can: null,
    fromPage: true,
    unaudited: 'The link is made after the answer, so that nobody learns from it whether the address is known.',
    body: { email: email() },
    returns: object('organization.session.link', {
      expires_in: t.Integer({ description: 'For how many seconds the link works, if one was sent.' }),
    }),
    extension: true,
  }),
}
