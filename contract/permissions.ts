/** Every permission, and those that the built-in roles grant. */
import { oneOf, t } from './kit.ts'
import { adminScopes } from './scopes.ts'

export const AdminScope = oneOf(...adminScopes)

/** The pattern of scopes of project keys and of permissions of custom roles. */
export const permissionPattern = '^api(\\.[a-z_]+)+\\.(read|write|request)$'
export const Permission = t.String({ pattern: permissionPattern, maxLength: 255 })

const request = 'api.model.request'
const model = { read: request, write: request }
const area = (name: string) => ({ read: `${name}.read`, write: `${name}.write` })

/**
 * What a project key must be allowed for each area of the gateway, by the first segment below
 * `/v1`: `read` for a GET, `write` for anything else. What stands in no row needs
 * `api.model.request`, whatever the upstream makes of it.
 */
export const gatewayPermissions: Readonly<Record<string, { read: string; write: string }>> = {
  models: { read: 'api.model.read', write: request },
  chat: model,
  completions: model,
  messages: model,
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

/** The built-in roles: of the organization, and of each project. */
export const organizationRoles = ['owner', 'reader'] as const
export const projectRoles = ['owner', 'member', 'viewer'] as const
export type OrganizationRole = (typeof organizationRoles)[number]
export type ProjectRole = (typeof projectRoles)[number]

export const builtInRoles = {
  organization: organizationRoles,
  project: projectRoles,
} as const

/**
 * The permissions that each built-in role grants: in the organization and all of its projects, or
 * in one project.
 */
// oxfmt-ignore
const granted = {
  //                                          organization      project
  //                                          owner  reader     owner  member  viewer
  'api.management.read':                      [1,      1,          1,      0,       0],
  'api.management.write':                     [1,      0,          1,      0,       0],
  'api.usage.read':                           [1,      1,          1,      0,       0],
  'api.groups.read':                          [1,      1,          0,      0,       0],
  'api.groups.write':                         [1,      0,          0,      0,       0],
  'api.organization.projects.api_keys.read':  [1,      0,          1,      1,       0],
  'api.organization.projects.api_keys.write': [1,      0,          1,      0,       0],
  'api.model.read':                           [1,      0,          1,      1,       1],
  'api.model.request':                        [1,      0,          1,      1,       0],
  'api.responses.read':                       [1,      0,          1,      1,       1],
  'api.responses.write':                      [1,      0,          1,      1,       0],
  'api.assistants.read':                      [1,      0,          1,      1,       1],
  'api.assistants.write':                     [1,      0,          1,      1,       0],
  'api.threads.read':                         [1,      0,          1,      1,       1],
  'api.threads.write':                        [1,      0,          1,      1,       0],
  'api.files.read':                           [1,      0,          1,      1,       1],
  'api.files.write':                          [1,      0,          1,      1,       0],
  'api.vector_stores.read':                   [1,      0,          1,      1,       1],
  'api.vector_stores.write':                  [1,      0,          1,      1,       0],
  'api.fine_tuning.jobs.read':                [1,      0,          1,      1,       1],
  'api.fine_tuning.jobs.write':               [1,      0,          1,      1,       0],
  'api.batch.read':                           [1,      0,          1,      1,       1],
  'api.batch.write':                          [1,      0,          1,      1,       0],
  'api.evals.read':                           [1,      0,          1,      1,       1],
  'api.evals.write':                          [1,      0,          1,      1,       0],
  'api.videos.read':                          [1,      0,          1,      1,       1],
  'api.videos.write':                         [1,      0,          1,      1,       0],
} as const

const column = { organization: { owner: 0, reader: 1 }, project: { owner: 2, member: 3, viewer: 4 } } as Record<
  keyof typeof builtInRoles,
  Record<string, number>
>

/** The permissions of a built-in role. */
export const permissionsOf = (level: keyof typeof builtInRoles, role: string): string[] =>
  Object.entries(granted).flatMap(([permission, row]) => (row[column[level][role]!] ? [permission] : []))

const descriptions: Record<string, Record<string, string>> = {
  organization: {
    owner: 'Can modify billing information and manage organization members',
    reader: 'Can make standard API requests and read basic organizational data',
  },
}

/** The description of a built-in role, in the words of OpenAI; the roles of a project have none. */
export const descriptionOf = (level: keyof typeof builtInRoles, role: string): string | null =>
  descriptions[level]?.[role] ?? null
