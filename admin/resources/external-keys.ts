import { invalid, notFound } from '../../contract/errors.ts'
import { externalKeys, keyMembers } from '../../contract/external-keys.ts'
import { providerNotAsked } from '../../contract/resource-errors.ts'
import type { Output } from '../../contract/kit.ts'
import type { ExternalKeyRow } from '../../database/registry-tables.ts'
import { listOf } from '../../database/table-list.ts'
import { handlers, type Call } from '../call.ts'
import { findProjectById } from '../shared/find-project.ts'
import { requireMembers } from '../shared/provider-members.ts'

type ExternalKey = Output<typeof externalKeys.retrieve>
type Purpose = ExternalKey['purpose']

export default handlers(externalKeys, {
  async list(call) {
    const page = await table.page(call.db, call, call.query, (row) => row, { purpose: call.query.purpose ?? null })
    const projects = await projectsOf(
      call,
      page.data.map(({ id }) => id),
    )
    return { ...page, data: page.data.map((row) => present(row, projects)) }
  },

  async create(call) {
    const { name, type, purpose = 'ekm', ...members } = call.body
    const { required, version } = keyMembers[type]
    const withVersion = purpose === 'psp_decryption' && version !== undefined
    if (!withVersion && version !== undefined && members[version as keyof typeof members] !== undefined)
      throw invalid(`'${version}' goes with the purpose 'psp_decryption'.`, version, 'unusable_value')
    requireMembers(members, type, { required: withVersion ? [...required, version] : required })
    for (const member of ['external_id', 'audience'] as const)
      if (members[member] !== undefined) await requireOurId(call, member, members[member])
    const row: ExternalKeyRow = {
      organization_id: call.organization_id,
      id: call.newId('ekey_'),
      name,
      type,
      purpose,
      members: JSON.stringify(members),
      created_at: call.now,
      deleted_at: null,
    }
    await call.db.insertInto('external_keys').values(row).execute()
    call.record('external_key.registered', { id: row.id, data: call.body })
    return present(row, new Map())
  },

  async retrieve(call) {
    const row = await find(call)
    return present(row, await projectsOf(call, [row.id]))
  },

  async delete(call) {
    const row = await find(call)
    const projects = await projectsOf(call, [row.id])
    const [project] = projects.get(row.id) ?? []
    if (project !== undefined)
      throw invalid(
        `The external key ${row.id} is the 'external_key_id' of ${project}: change that before.`,
        null,
        'unusable_value',
      )
    await call.db
      .updateTable('external_keys')
      .set({ deleted_at: call.now })
      .where('organization_id', '=', call.organization_id)
      .where('id', '=', row.id)
      .execute()
    call.record('external_key.removed', { id: row.id })
    return present(row, projects)
  },

  async validate(call) {
    throw providerNotAsked((await find(call)).id)
  },
})

const table = listOf('external_keys', ['organization_id'], (item, { purpose }: { purpose: Purpose | null }) => {
  const living = item.selectAll().where('item.deleted_at', 'is', null)
  return purpose === null ? living : living.where('item.purpose', '=', purpose)
})

type InOrganization = Pick<Call, 'db' | 'organization_id'>

async function find(call: InOrganization & { params: { external_key_id: string } }): Promise<ExternalKeyRow> {
  const { external_key_id: id } = call.params
  const row = await table.find(call.db, call, id, { purpose: null })
  if (!row) throw notFound('external_key', id)
  return row
}

/** Throws 400 unless the value is the id of the caller's organization or of a project in it. */
async function requireOurId(call: InOrganization, name: string, id: string) {
  if (id === call.organization_id || (await findProjectById(call, id))) return
  throw invalid(
    `Invalid '${name}': it must be ${call.organization_id} or the id of a project in it.`,
    name,
    'unusable_value',
  )
}

/** The active projects that have these keys, by key. */
async function projectsOf({ db, organization_id }: InOrganization, ids: readonly string[]) {
  const found = new Map<string, string[]>()
  if (ids.length === 0) return found
  const rows = await db
    .selectFrom('projects')
    .select(['id', 'external_key_id'])
    .where('organization_id', '=', organization_id)
    .where('external_key_id', 'in', ids)
    .where('archived_at', 'is', null)
    .orderBy('id')
    .execute()
  for (const { id, external_key_id } of rows) found.set(external_key_id!, [...(found.get(external_key_id!) ?? []), id])
  return found
}

const present = (row: ExternalKeyRow, projects: ReadonlyMap<string, string[]>): ExternalKey => ({
  object: 'organization.external_key',
  id: row.id,
  name: row.name,
  type: row.type as ExternalKey['type'],
  purpose: row.purpose as Purpose,
  created_at: row.created_at,
  api_project_ids: projects.get(row.id) ?? [],
  workspace_id: '',
  ...(JSON.parse(row.members) as Partial<ExternalKey>),
})
