/** Every permission, and what the built-in roles grant. */
import { oneOf } from './kit.ts'

/** What an admin key can be allowed: to read, to change, to see usage. */
export const adminScopes = ['api.management.read', 'api.management.write', 'api.usage.read'] as const
export type AdminScope = (typeof adminScopes)[number]
export const AdminScope = oneOf(...adminScopes)

/** The shape of any permission string: scopes of project keys and permissions of custom roles. */
export const permissionPattern = '^api(\\.[a-z_]+)+\\.(read|write|request)$'

const request = 'api.model.request'
const model = { read: request, write: request }
const area = (name: string) => ({ read: `${name}.read`, write: `${name}.write` })

/**
 * What a project key must be allowed for each area of the gateway, by the first segment below `/v1`: `read` for a GET, `write` for
 * anything else. What stands in no row needs `api.model.request`, whatever the upstream makes of it.
 */
export const gatewayPermissions: Readonly<Record<string, { read: string; write: string }>> = {
  models: { read: 'api.model.read', write: request },
  chat: model,
  completions: model,
  embeddings: model,
  moderations: model,
  images: model,
  audio: model,
  realtime: model,
  rerank: model,
  responses: area('api.responses'),
  conversations: area('api.responses'),
  assistants: area('api.assistants'),
  threads: area('api.threads'),
  files: area('api.files'),
  uploads: area('api.files'),
  containers: area('api.files'),
  vector_stores: area('api.vector_stores'),
  batches: area('api.batch'),
  fine_tuning: area('api.fine_tuning.jobs'),
  evals: area('api.evals'),
  videos: area('api.videos'),
}

export const otherGatewayPermission = request
