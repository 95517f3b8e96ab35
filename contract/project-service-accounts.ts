/** The service accounts of a project, and their keys. */
import {
  cursor,
  del,
  deleted,
  described,
  get,
  id,
  lifetime,
  list,
  name,
  nullable,
  object,
  oneOf,
  optional,
  post,
  t,
  time,
  reachingProjects,
} from './kit.ts'
import { Scopes } from './project-api-keys.ts'

const properties = { id: id('user-'), name: t.String(), created_at: time() }

export const ServiceAccount = object(
  'organization.project.service_account',
  {
    ...properties,
    role: described(
      oneOf('owner', 'member', 'none'),
      'The highest role that it holds in the project directly; `member` for `viewer` and custom roles alone. With `none`, only a group can make its keys active.',
    ),
  },
  'An owner of keys that is not a person. It belongs to one project.',
)

export const ServiceAccountApiKey = object(
  'organization.project.service_account.api_key',
  {
    id: id('key_'),
    name: t.String(),
    value: t.String({ description: 'The key itself, shown this once.' }),
    created_at: time(),
    expires_at: nullable(time('When it stops working; `null` means never')),
  },
  'A key of a service account at the moment it is made.',
)

const path = '/organization/projects/{project_id}/service_accounts'
const expires_in_seconds = () => optional(lifetime())

export const projectServiceAccounts = reachingProjects({
  list: get(path, {
    about: 'Lists the service accounts of a project, newest first.',
    can: 'api.management.read',
    query: cursor(),
    returns: list(ServiceAccount),
  }),
  create: post(path, {
    about: 'Creates a service account and, unless asked not to, a key for it.',
    can: 'api.management.write',
    audit: ['service_account.created', 'api_key.created'],
    body: {
      name: name(),
      create_service_account_only: optional(
        t.Boolean({ description: 'Make no key; the account then has the role `none`.' }),
      ),
      expires_in_seconds: expires_in_seconds(),
    },
    bodyRules: [{ atMostOne: ['create_service_account_only', 'expires_in_seconds'] }],
    returns: object('organization.project.service_account', {
      ...properties,
      role: oneOf('member', 'none'),
      api_key: nullable(ServiceAccountApiKey),
    }),
  }),
  retrieve: get(`${path}/{service_account_id}`, {
    about: 'Retrieves a service account.',
    can: 'api.management.read',
    returns: ServiceAccount,
  }),
  update: post(`${path}/{service_account_id}`, {
    about:
      'Renames a service account, or gives it a role in its project, which replaces the built-in roles that it holds directly.',
    can: 'api.management.write',
    audit: 'service_account.updated',
    body: { name: optional(name()), role: optional(oneOf('member', 'owner')) },
    returns: ServiceAccount,
  }),
  delete: del(`${path}/{service_account_id}`, {
    about: 'Deletes a service account with all its keys, roles and memberships.',
    can: 'api.management.write',
    audit: ['service_account.deleted', 'api_key.deleted'],
    returns: deleted('organization.project.service_account'),
  }),
})

export const serviceAccountApiKeys = reachingProjects({
  create: post(`${path}/{service_account_id}/api_keys`, {
    about: 'Issues a further key for a service account. Only this answer contains its value.',
    can: 'api.management.write',
    audit: 'api_key.created',
    body: { name: optional(name()), scopes: optional(Scopes), expires_in_seconds: expires_in_seconds() },
    returns: ServiceAccountApiKey,
  }),
})
