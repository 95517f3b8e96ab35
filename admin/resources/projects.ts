import { invalid } from '../../contract/errors.ts'
import type { Output } from '../../contract/kit.ts'
import { projects, residencies } from '../../contract/projects.ts'
import { collection } from '../../database/page.ts'
import type { ProjectRow } from '../../database/tables.ts'
import { handlers } from '../call.ts'
import { notArchived } from '../rules/archived.ts'
import { grant } from '../rules/assign.ts'

export default handlers(projects, {
  list: (call) => rows.page(call.db, call.caller, call.query, present, call.query.include_archived ? 'all' : 'active'),

  async create(call) {
    const { name, external_key_id = null } = call.body
    const project: ProjectRow = {
      organization_id: call.organization_id,
      id: call.newId('proj_'),
      name,
      is_default: 0,
      residency: chosenResidency(call.body),
      external_key_id,
      created_at: call.now,
      archived_at: null,
    }
    await call.db.insertInto('projects').values(project).execute()
    // As on the real service: who creates a project is a member of it, here the owner of the calling key.
    await grant(call, { level: 'project', id: project.id }, call.caller.user_id, 'owner')
    call.record('project.created', { id: project.id, data: { name, title: name } }, project.id)
    return present(project)
  },

  retrieve: async (call) => present(call.project),

  async update(call) {
    const { project } = call
    changeable(project)
    notArchived(project)
    // Only for the key does null mean something: none.
    const { name, external_key_id = project.external_key_id, geography } = call.body
    if (geography && residencyOf(geography) !== project.residency)
      throw invalid('The residency of a project cannot be changed.', 'geography')
    const changed = {
      ...project,
      name: name ?? project.name,
      external_key_id,
    }
    if (changed.name === project.name && changed.external_key_id === project.external_key_id) return present(project)
    await call.db
      .updateTable('projects')
      .set({ name: changed.name, external_key_id: changed.external_key_id })
      .where('organization_id', '=', call.organization_id)
      .where('id', '=', project.id)
      .execute()
    call.record('project.updated', { id: project.id, changes_requested: { title: name ?? undefined } })
    return present(changed)
  },

  async archive(call) {
    const { project } = call
    changeable(project)
    if (project.archived_at !== null) return present(project)
    await call.db
      .updateTable('projects')
      .set({ archived_at: call.now })
      .where('organization_id', '=', call.organization_id)
      .where('id', '=', project.id)
      .execute()
    call.record('project.archived', { id: project.id })
    return present({ ...project, archived_at: call.now })
  },
})

const rows = collection('projects', ['organization_id'], (item, shape: 'active' | 'all') =>
  shape === 'all' ? item.selectAll() : item.selectAll().where('item.archived_at', 'is', null),
)

const present = (row: ProjectRow): Output<typeof projects.retrieve> => ({
  object: 'organization.project',
  id: row.id,
  name: row.name,
  created_at: row.created_at,
  archived_at: row.archived_at,
  status: row.archived_at === null ? 'active' : 'archived',
  external_key_id: row.external_key_id,
  residency: row.residency as Output<typeof projects.retrieve>['residency'],
  geography: row.residency === 'GLOBAL' ? null : row.residency.slice(0, 2),
})

function changeable(project: ProjectRow) {
  if (project.is_default) throw invalid('The Default project cannot be modified or archived.', null, 'default_project')
}

/** `residency`, or what the older `geography` stands for; not both. */
function chosenResidency({ residency, geography }: { residency?: string | null; geography?: string | null }) {
  if (residency && geography) throw invalid("Give only one of 'residency' and 'geography'.", 'geography')
  return residency ?? (geography ? residencyOf(geography) : 'GLOBAL')
}

/** `US` and `EU` store and process, all others store. */
function residencyOf(geography: string) {
  const found = `${geography}_STORAGE${/^(US|EU)$/.test(geography) ? '_PROCESSING' : ''}`
  const residency = residencies.find((one) => one === found)
  if (!residency)
    throw invalid(`Invalid value: '${geography}'. Supported values are: ${geographies.join(', ')}.`, 'geography')
  return residency
}

const geographies = [...new Set(residencies.slice(1).map((one) => `'${one.slice(0, 2)}'`))]
