/** The projects of the organization. */
import {
  anyId,
  cursor,
  described,
  get,
  id,
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

export const residencies = [
  'GLOBAL',
  'US_STORAGE_PROCESSING',
  'EU_STORAGE_PROCESSING',
  'JP_STORAGE',
  'JP_STORAGE_PROCESSING',
  'KR_STORAGE',
  'CA_STORAGE',
  'SG_STORAGE',
  'IN_STORAGE',
  'IN_STORAGE_PROCESSING',
  'AU_STORAGE',
  'AU_STORAGE_PROCESSING',
  'GB_STORAGE',
  'AE_STORAGE',
  'AE_STORAGE_PROCESSING',
] as const

export const Residency = oneOf(...residencies)

export const Project = object(
  'organization.project',
  {
    id: id('proj_'),
    name: t.String(),
    created_at: time(),
    archived_at: nullable(time('When it was archived')),
    status: oneOf('active', 'archived'),
    external_key_id: nullable(t.String({ description: 'A name of your own for an encryption key; kept, not used.' })),
    residency: described(Residency, 'Where data was asked to stay; kept, not enforced.'),
    geography: nullable(t.String({ description: 'The older name of `residency`, for clients that still read it.' })),
  },
  'The place where keys belong, with its own members, limits and spend.',
)

const geography = () =>
  optional(nullable(t.String({ maxLength: 255, description: 'Deprecated: the older form of `residency`.' })))
const external_key_id = () => optional(nullable(anyId()))

const path = '/organization/projects'

export const projects = {
  list: get(path, {
    about: 'Lists the projects of the organization, newest first.',
    can: 'api.management.read',
    query: {
      ...cursor(),
      include_archived: optional(t.Boolean({ default: false, description: 'Archived projects too.' })),
    },
    returns: list(Project),
  }),
  create: post(path, {
    about: 'Creates a project.',
    can: 'api.management.write',
    audit: 'project.created',
    body: {
      name: name(),
      residency: optional(nullable(described(Residency, 'By default `GLOBAL`. Cannot be changed later.'))),
      geography: geography(),
      external_key_id: external_key_id(),
    },
    returns: Project,
  }),
  retrieve: get(`${path}/{project_id}`, {
    about: 'Retrieves a project, archived ones too.',
    can: 'api.management.read',
    returns: Project,
  }),
  update: post(`${path}/{project_id}`, {
    about: 'Renames a project. The Default project and archived ones cannot be changed.',
    can: 'api.management.write',
    audit: 'project.updated',
    body: { name: optional(nullable(name())), geography: geography(), external_key_id: external_key_id() },
    returns: Project,
  }),
  archive: post(`${path}/{project_id}/archive`, {
    about: 'Archives a project, for good: its keys stop working. Archiving it again changes nothing.',
    can: 'api.management.write',
    audit: 'project.archived',
    returns: Project,
  }),
}
