/** The API keys of a project: secrets with which it calls the gateway. Only their digests are stored. */
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
  oneOf,
  optional,
  post,
  t,
  time,
} from './kit.ts'
import { permissionPattern } from './permissions.ts'

/** What a key is restricted to. None means all that its owner may do. */
export const Scopes = t.Array(t.String({ pattern: permissionPattern }), { maxItems: 100, uniqueItems: true })

export const ProjectApiKey = object('organization.project.api_key', {
  id: id('key_'),
  name: t.String(),
  redacted_value: t.String(),
  created_at: time(),
  last_used_at: nullable(time()),
  expires_at: nullable(time()),
  owner_project_access: oneOf('active', 'inactive'),
  owner: t.Object({
    type: oneOf('user', 'service_account'),
    user: optional(
      t.Object({ id: id('user-'), name: t.String(), email: t.String(), created_at: time(), role: t.String() }),
    ),
    service_account: optional(t.Object({ id: id('user-'), name: t.String(), created_at: time(), role: t.String() })),
  }),
})

const path = '/organization/projects/{project_id}/api_keys'

export const projectApiKeys = {
  list: get(path, {
    about: 'Lists the API keys of a project, newest first.',
    can: 'api.management.read',
    query: {
      ...cursor(),
      owner_project_access: optional(oneOf('active', 'inactive', 'any')),
    },
    returns: list(ProjectApiKey),
  }),
  create: post(path, {
    about: 'Issues a key that a person owns. Its value is in this answer and nowhere else.',
    can: 'api.management.write',
    audit: 'api_key.created',
    body: {
      name: name(),
      user_id: t.String(),
      scopes: optional(Scopes),
      expires_in_seconds: optional(nullable(lifetime())),
    },
    returns: t.Object({ ...ProjectApiKey.properties, value: t.String() }),
    extension: true,
  }),
  retrieve: get(`${path}/{api_key_id}`, {
    about: 'Retrieves an API key of a project.',
    can: 'api.management.read',
    returns: ProjectApiKey,
  }),
  update: post(`${path}/{api_key_id}`, {
    about: 'Replaces the scopes of a key, or the time at which it expires. At least one of the two must be given.',
    can: 'api.management.write',
    audit: 'api_key.updated',
    body: { scopes: optional(Scopes), expires_in_seconds: optional(lifetime()) },
    returns: ProjectApiKey,
  }),
  delete: del(`${path}/{api_key_id}`, {
    about: 'Deletes a key, at once and for good.',
    can: 'api.management.write',
    audit: 'api_key.deleted',
    returns: deleted('organization.project.api_key'),
  }),
}
