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
import { AdminScope } from './permissions.ts'
import { adminScopes } from './scopes.ts'

export const AdminApiKey = object(
  'organization.admin_api_key',
  {
    id: id('key_'),
    name: nullable(t.String()),
    redacted_value: t.String({ description: 'Prefix and last characters, enough to recognise the key by.' }),
    created_at: time(),
    last_used_at: nullable(time('When it was last used; at most ten seconds behind')),
    expires_at: nullable(time('When it stops working; `null` means never')),
    scopes: optional(
      t.Array(AdminScope, {
        description:
          'The permissions of the key; absent unless they were given when the key was made. OpenAI has no such member.',
      }),
    ),
    owner: t.Object({
      type: t.Literal('user'),
      object: t.Literal('organization.user'),
      id: id('user-'),
      name: t.String(),
      created_at: time(),
      role: t.Literal('owner'),
    }),
  },
  'A key for the Administration API. It belongs to an owner of the organization, and stops working when that person is no longer an owner.',
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
    about: 'Issues an admin key for the owner of the calling key. Only this answer contains its value.',
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
          description: 'The permissions of the key; by default those of the calling key. OpenAI has no such member.',
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
    about: 'Deletes an admin API key, at once and for good. It may be the key that makes the call.',
    can: 'api.management.write',
    audit: 'api_key.deleted',
    returns: deleted('organization.admin_api_key'),
  }),
}
