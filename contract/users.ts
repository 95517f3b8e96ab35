/** The people of the organization. */
import { cursor, described, get, id, list, nullable, object, oneOf, optional, t, time } from './kit.ts'

export const User = object(
  'organization.user',
  {
    id: id('user-'),
    name: nullable(t.String()),
    email: nullable(t.String()),
    role: described(
      oneOf('owner', 'reader'),
      'The role in the organization; an owner may do everything in every project.',
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
}
