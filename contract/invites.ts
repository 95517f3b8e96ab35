/** Invitations to the organization. */
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
      'What membership the person is promised; projects archived meanwhile are left out.',
    ),
  },
  'An invitation to join the organization, sent to an e-mail address.',
)

const path = '/organization/invites'

export const invites = {
  list: get(path, {
    about: 'Lists the invites of the organization, newest first, whatever became of them.',
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
      role: described(oneOf('reader', 'owner', 'member'), '`member` is the older word for `reader`.'),
      projects: t.Optional(
        t.Array(t.Object({ id: anyId(), role }), {
          maxItems: 100,
          description:
            'Left out, the person becomes a member of the Default project; an empty list is no project at all.',
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
    about: 'Deletes an invite that was not accepted; its link opens nothing any more.',
    can: 'api.management.write',
    audit: 'invite.deleted',
    returns: deleted('organization.invite'),
  }),
  accept: post(`${path}/accept`, {
    about: 'Accepts an invite with the token of its link: the person joins the organization with the roles promised.',
    can: null,
    audit: ['invite.accepted', 'user.added'],
    body: {
      token: t.String({
        minLength: 1,
        maxLength: 256,
        description: 'What stands behind `#` in the link; it works once.',
      }),
      name: name(),
    },
    returns: User,
    extension: true,
  }),
}
