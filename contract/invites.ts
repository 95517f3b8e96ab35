/** Invitations to the organization. */
import {
  anyId,
  closedObject,
  cursor,
  del,
  deleted,
  described,
  email,
  get,
  id,
  list,
  name,
  nullable,
  object,
  oneOf,
  post,
  t,
  time,
} from './kit.ts'
import { User } from './users.ts'

const role = oneOf('member', 'owner')

export const Invite = object(
  'organization.invite',
  {
    id: id('invite-'),
    email: t.String(),
    role: oneOf('owner', 'reader'),
    status: described(oneOf('pending', 'accepted', 'expired'), 'A pending invite can be accepted for seven days.'),
    created_at: time(),
    expires_at: nullable(time()),
    accepted_at: nullable(time()),
    projects: described(
      t.Array(t.Object({ id: id('proj_'), role })),
      'The memberships that the person gets; projects archived meanwhile are left out.',
    ),
  },
  'An invitation to join the organization, sent to an e-mail address.',
)

const path = '/organization/invites'

export const invites = {
  list: get(path, {
    about: 'Lists the invites of the organization in every status, newest first.',
    can: 'api.management.read',
    query: cursor(),
    returns: list(Invite),
  }),
  create: post(path, {
    about:
      'Invites a person by e-mail. Where the server has no mail server, or mail fails, `keyhall invites link` on its host prints the link.',
    can: 'api.management.write',
    audit: 'invite.sent',
    body: {
      email: email(),
      role: described(
        oneOf('reader', 'owner', 'member'),
        'The role in the organization. With `member` the person gets none there, and sees nothing of it but their own projects and keys; the invite then shows `reader`.',
      ),
      projects: t.Optional(
        t.Array(closedObject({ id: anyId(), role }), {
          maxItems: 100,
          description:
            'Without this, the person becomes a member of the Default project; with an empty list, of no project.',
        }),
      ),
    },
    returns: Invite,
  }),
  retrieve: get(`${path}/{invite_id}`, {
    about: 'Retrieves an invite.',
    can: 'api.management.read',
    returns: Invite,
  }),
  delete: del(`${path}/{invite_id}`, {
    about: 'Deletes an invite that was not accepted. Its link stops working.',
    can: 'api.management.write',
    audit: 'invite.deleted',
    returns: deleted('organization.invite'),
  }),
  accept: post(`${path}/accept`, {
    about:
      'Accepts an invite with the token of its link: the person joins the organization with the roles of the invite.',
    can: null,
    audit: ['invite.accepted', 'user.added'],
    body: {
      token: t.String({
        minLength: 1,
        maxLength: 256,
        description: 'The part of the link after `#`; it works once.',
      }),
      name: name(),
    },
    returns: User,
    extension: true,
  }),
}
