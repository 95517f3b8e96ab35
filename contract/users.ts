/** The people of the organization. */
import {
  anyId,
  cursor,
  del,
  deleted,
  described,
  get,
  id,
  list,
  name,
  nullable,
  object,
  oneOf,
  oneOfOpen,
  optional,
  post,
  t,
  time,
} from './kit.ts'

export const User = object(
  'organization.user',
  {
    id: id('user-'),
    name: nullable(t.String()),
    email: nullable(t.String()),
    role: described(
      oneOf('owner', 'reader'),
      'The role in the organization; an owner has all permissions in every project.',
    ),
    added_at: time(),
    api_key_last_used_at: nullable(time('When a key of this person was last used')),
    technical_level: nullable(t.String()),
    developer_persona: nullable(t.String()),
    is_service_account: t.Boolean(),
    is_scim_managed: t.Boolean(),
  },
  'A person of the organization.',
)

const path = '/organization/users'

export const users = {
  list: get(path, {
    about: 'Lists the people of the organization, newest first.',
    can: 'api.management.read',
    query: {
      ...cursor(),
      emails: optional(t.Array(t.String(), { maxItems: 100, description: 'Only people with one of these addresses.' })),
    },
    returns: list(User),
  }),
  retrieve: get(`${path}/{user_id}`, {
    about: 'Retrieves a person.',
    can: 'api.management.read',
    returns: User,
  }),
  update: post(`${path}/{user_id}`, {
    about: 'Changes the role of a person in the organization, or the notes about them. The last owner keeps the role.',
    can: 'api.management.write',
    audit: 'user.updated',
    body: {
      role: optional(
        described(
          oneOfOpen('owner', 'reader', 'member'),
          '`member` takes both roles away: the person then sees nothing of the organization but their own projects and keys, and is shown as `reader`.',
        ),
      ),
      role_id: optional(anyId()),
      technical_level: optional(nullable(name())),
      developer_persona: optional(nullable(name())),
    },
    bodyRules: [{ atMostOne: ['role', 'role_id'] }],
    returns: User,
  }),
  delete: del(`${path}/{user_id}`, {
    about: 'Removes a person from the organization, with all roles and memberships; the last owner cannot be removed.',
    can: 'api.management.write',
    audit: 'user.deleted',
    returns: deleted('organization.user'),
  }),
}
