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
  oneOfOpen,
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
    external_key_id: nullable(
      t.String({
        description: 'An external key, or a name of your own for one; stored, and nothing is encrypted with it.',
      }),
    ),
    residency: described(Residency, 'The region that was asked for; stored and not enforced.'),
    geography: nullable(t.String({ description: 'The older name of `residency`, for clients that still read it.' })),
  },
  'A project has keys, members and roles of its own.',
)

/** The first two letters of each residency but `GLOBAL`. */
export const geographies = [...new Set(residencies.slice(1).map((residency) => residency.slice(0, 2)))]

const geography = (description: string) => described(oneOfOpen(...geographies), description)
const external_key_id = () => optional(nullable(anyId()))

const path = '/organization/projects'

export const projects = {
  list: get(path, {
    about: 'Lists the projects of the organization, newest first.',
    can: 'api.management.read',
    query: {
      ...cursor(),
      include_archived: optional(t.Boolean({ default: false, description: 'Archived projects too.' })),
      ids: optional(t.Array(t.String(), { maxItems: 100, description: 'Only projects with one of these ids.' })),
      name: optional(
        described(
          name(),
          'Only projects with this in their name. Upper and lower case are the same for the letters A to Z.',
        ),
      ),
    },
    returns: list(Project),
  }),
  create: post(path, {
    about: 'Creates a project.',
    can: 'api.management.write',
    audit: 'project.created',
    body: {
      name: name(),
      residency: optional(described(Residency, 'By default `GLOBAL`.')),
      geography: optional(geography('Deprecated: the older form of `residency`, instead of it.')),
      external_key_id: external_key_id(),
    },
    bodyRules: [{ atMostOne: ['residency', 'geography'] }],
    returns: Project,
  }),
  retrieve: get(`${path}/{project_id}`, {
    about: 'Retrieves a project; it may be archived.',
    can: 'api.management.read',
    reach: 'project',
    returns: Project,
  }),
  update: post(`${path}/{project_id}`, {
    about: 'Changes a project. The Default project and archived ones cannot be changed.',
    can: 'api.management.write',
    audit: 'project.updated',
    body: {
      name: optional(name()),
      geography: optional(
        nullable(geography('Another geography changes `residency` with it; `null` makes it `GLOBAL`.')),
      ),
      external_key_id: external_key_id(),
    },
    returns: Project,
  }),
  archive: post(`${path}/{project_id}/archive`, {
    about: 'Archives a project, for good: its keys stop working. Archiving it again changes nothing.',
    can: 'api.management.write',
    audit: 'project.archived',
    returns: Project,
  }),
}
