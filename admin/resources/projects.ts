import { invalid } from '../../contract/errors.ts'
import type { Output } from '../../contract/kit.ts'
import { projects, residencies } from '../../contract/projects.ts'
import { containing, isContained, roundedUp, spread, spreadPlaceholders } from '../../database/statement.ts'
import { listOf } from '../../database/table-list.ts'
import type { ProjectRow } from '../../database/tables.ts'
import { handlers } from '../call.ts'
import { requireActive } from '../rules/require-active.ts'
import { mayGrantProjectRole } from '../rules/require-grantable.ts'
import { grant } from '../rules/assign.ts'

export default handlers(projects, {
  list(call) {
    const { ids = [], name, include_archived = false } = call.query
    const { organization_id } = call
    const values = { organization_id, ...spread('id', ids), name: containing(name ?? '') }
    const filter = { archived: include_archived, ids: ids.length && roundedUp(ids.length), named: name !== undefined }
    return table.page(call.db, values, call.query, present, filter)
  },

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
    // As on the real service, the person who creates a project becomes a member: here the owner of
    // the calling key. The membership has no creator, because nobody asked for it.
    // Somebody who may make projects and not do what their owners do gets no role in it.
    const unasked = { ...call, caller: { user_id: null } }
    if (mayGrantProjectRole(call, 'owner'))
      await grant(unasked, { level: 'project', id: project.id }, call.caller.user_id, 'owner')
    call.record('project.created', { id: project.id, data: { name, title: name } }, project.id)
    return present(project)
  },

  retrieve: async (call) => present(call.project),

  async update(call) {
    const { project } = call
    rejectDefaultProject(project)
    requireActive(project)
    const {
      name = project.name,
      external_key_id = project.external_key_id,
      geography = geographyOf(project),
    } = call.body
    // A geography stands for several residencies, so naming the present one keeps the residency.
    const residency = geography === geographyOf(project) ? project.residency : residencyOf(geography)
    const set = { name, external_key_id, residency }
    const isChanged = (Object.keys(set) as (keyof typeof set)[]).some((column) => set[column] !== project[column])
    if (!isChanged) return present(project)
    await call.db
      .updateTable('projects')
      .set(set)
      .where('organization_id', '=', call.organization_id)
      .where('id', '=', project.id)
      .execute()
    call.record('project.updated', { id: project.id, changes_requested: { title: call.body.name } })
    return present({ ...project, ...set })
  },

  async archive(call) {
    const { project } = call
    rejectDefaultProject(project)
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

/**
 * `archived` says whether archived projects are shown too; `ids` for how many ids there are
 * placeholders, where 0 restricts nothing; `named` whether `params.name` restricts the names.
 */
type Filter = { archived: boolean; ids: number; named: boolean }

const table = listOf('projects', ['organization_id'], (item, { archived, ids, named }: Filter, params) => {
  let rows = item.selectAll()
  if (!archived) rows = rows.where('item.archived_at', 'is', null)
  if (ids > 0) rows = rows.where('item.id', 'in', spreadPlaceholders(params, 'id', ids))
  if (named) rows = rows.where(isContained('item.name', params.name!))
  return rows
})

const present = (row: ProjectRow): Output<typeof projects.retrieve> => ({
  object: 'organization.project',
  id: row.id,
  name: row.name,
  created_at: row.created_at,
  archived_at: row.archived_at,
  status: row.archived_at === null ? 'active' : 'archived',
  external_key_id: row.external_key_id,
  residency: row.residency as Output<typeof projects.retrieve>['residency'],
  geography: geographyOf(row),
})

const geographyOf = ({ residency }: ProjectRow) => (residency === 'GLOBAL' ? null : residency.slice(0, 2))

function rejectDefaultProject(project: ProjectRow) {
  if (project.is_default) throw invalid('The Default project cannot be modified or archived.', null, 'default_project')
}

/** `residency`, or the one that the older `geography` stands for. */
function chosenResidency({ residency, geography }: { residency?: string | null; geography?: string | null }) {
  return residency ?? residencyOf(geography)
}

/** `US` and `EU` store and process, all others store; none is `GLOBAL`. */
function residencyOf(geography: string | null = null) {
  if (geography === null) return 'GLOBAL'
  const found = `${geography}_STORAGE${/^(US|EU)$/.test(geography) ? '_PROCESSING' : ''}`
  return residencies.find((one) => one === found)!
}
