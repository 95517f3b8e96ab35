/** The admin API keys of the organization. */
import {
  cursor,
  del,
  deleted,
  get,
  id,
  lifetime,
  list,
  name,
  nullable,
  object,
  order,
  optional,
  post,
  t,
  time,
} from './kit.ts'
import { AdminScope, adminScopes } from './permissions.ts'

export const AdminApiKey = object(
  'organization.admin_api_key',
  {
    id: id('key_'),
    name: nullable(t.String()),
    redacted_value: t.String({ description: 'Prefix and last characters, enough to recognise the key by.' }),
    created_at: time(),
    last_used_at: nullable(time('When it was last used; at most ten seconds behind')),
    expires_at: nullable(time('When it stops working; `null` means never')),
    scopes: t.Array(AdminScope, { description: 'What the key may do. OpenAI has no such member.' }),
    owner: t.Object({
      type: t.Literal('user'),
      object: t.Literal('organization.user'),
      id: id('user-'),
      name: t.String(),
      created_at: time(),
      role: t.Literal('owner'),
    }),
  },
  'What the Administration API is called with. It belongs to an owner of the organization, and stops working when that person is none any more.',
)

const path = '/organization/admin_api_keys'
const { after, limit } = cursor()

export const adminApiKeys = {
  list: get(path, {
    about: 'Lists the admin API keys of the organization, oldest first.',
    can: 'api.management.read',
    query: { after: optional(nullable(after)), limit, order: order('asc') },
    returns: list(AdminApiKey),
  }),
  create: post(path, {
    about: 'Issues an admin key for the owner of the calling key. Its value is in this answer and nowhere else.',
    can: 'api.management.write',
    audit: 'api_key.created',
    body: {
      name: name(),
      expires_in_seconds: optional(lifetime()),
      scopes: optional(
        t.Array(AdminScope, {
          minItems: 1,
          maxItems: adminScopes.length,
          uniqueItems: true,
          description: 'What the key may do; by default, all that the calling key may. OpenAI has no such member.',
        }),
      ),
    },
    returns: t.Object({
      ...AdminApiKey.properties,
      value: t.String({ description: 'The key itself, shown this once.' }),
    }),
  }),
  retrieve: get(`${path}/{key_id}`, {
    about: 'Retrieves an admin API key.',
    can: 'api.management.read',
    returns: AdminApiKey,
  }),
  delete: del(`${path}/{key_id}`, {
    about: 'Deletes an admin API key, at once and for good; also the one that makes the call.',
    can: 'api.management.write',
    audit: 'api_key.deleted',
    returns: deleted('organization.admin_api_key'),
  }),
}
