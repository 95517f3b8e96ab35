import { notFound } from '../../contract/errors.ts'
import {
  externalStorage,
  storageMembers,
  type SentProvider,
  type ShownProvider,
} from '../../contract/external-storage.ts'
import { providerNotAsked } from '../../contract/resource-errors.ts'
import type { Output } from '../../contract/kit.ts'
import type { ExternalStorageRow } from '../../database/registry-tables.ts'
import { listOf } from '../../database/table-list.ts'
import { handlers, type Call } from '../call.ts'
import { requireActive } from '../rules/require-active.ts'
import { deletedResult } from '../shared/deleted-result.ts'
import { findProjectById } from '../shared/find-project.ts'
import { requireMembers } from '../shared/provider-members.ts'

export default handlers(externalStorage, {
  list({ db, organization_id, query }) {
    const { project_id } = query
    return project_id == null
      ? table.page(db, { organization_id }, query, present)
      : tableOfProject.page(db, { organization_id, project_id }, query, present)
  },

  async create(call) {
    const { project_id, provider } = call.body
    requireMembers(provider, provider.type, storageMembers[provider.type], 'provider.')
    const project = await findProjectById(call, project_id)
    if (!project) throw notFound('project', project_id, 'project_id')
    requireActive(project)
    const row: ExternalStorageRow = {
      organization_id: call.organization_id,
      id: call.newId('extstorage_'),
      project_id,
      provider: JSON.stringify(provider),
      created_at: call.now,
      deleted_at: null,
    }
    await call.db.insertInto('external_storage').values(row).execute()
    const shown = present(row)
    const data = { geography: shown.geography, provider: shown.provider }
    call.record('external_storage.registered', { id: row.id, data }, project_id)
    return shown
  },

  retrieve: async (call) => present(await find(call)),

  async delete(call) {
    const { id, project_id, deleted_at } = await find(call, { isDeletedToo: true })
    if (deleted_at === null) {
      await call.db
        .updateTable('external_storage')
        .set({ deleted_at: call.now })
        .where('organization_id', '=', call.organization_id)
        .where('id', '=', id)
        .execute()
      call.record('external_storage.removed', { id }, project_id)
    }
    return deletedResult('organization.external_storage', id)
  },

  async validate(call) {
    throw providerNotAsked((await find(call)).id)
  },
})

const table = listOf('external_storage', ['organization_id'], (item) =>
  item.selectAll().where('item.deleted_at', 'is', null),
)
const tableOfProject = listOf('external_storage', ['organization_id', 'project_id'], (item) =>
  item.selectAll().where('item.deleted_at', 'is', null),
)

async function find(
  call: Pick<Call, 'db' | 'organization_id'> & { params: { external_storage_id: string } },
  { isDeletedToo = false } = {},
): Promise<ExternalStorageRow> {
  const { external_storage_id: id } = call.params
  const row = await call.db
    .selectFrom('external_storage')
    .selectAll()
    .where('organization_id', '=', call.organization_id)
    .where('id', '=', id)
    .executeTakeFirst()
  if (!row || (row.deleted_at !== null && !isDeletedToo)) throw notFound('external_storage', id)
  return row
}

/** What only the provider knows. */
const UNKNOWN = 'unknown'

function present(row: ExternalStorageRow): Output<typeof externalStorage.retrieve> {
  const provider = shown(JSON.parse(row.provider) as SentProvider, row.project_id)
  return {
    object: 'organization.external_storage',
    id: row.id,
    project_id: row.project_id,
    created_at: row.created_at,
    geography: geographyOf(provider.region),
    status: 'pending',
    provider,
  }
}

function shown(provider: SentProvider, project_id: string): ShownProvider {
  switch (provider.type) {
    case 'aws': {
      const account_id = provider.role_arn.split(':')[4]!
      return { ...provider, account_id, external_id: project_id, region: UNKNOWN }
    }
    case 'gcp':
      return { ...provider, audience: project_id, region: UNKNOWN }
    case 'azure':
      return { ...provider, region: UNKNOWN }
    case 'oci':
      return provider
  }
}

/** By the beginning of a region's name; those that projects can have as their residency. */
const geographies: [region: RegExp, geography: string][] = [
  [/^us-/, 'US'],
  [/^eu-/, 'EU'],
  [/^uk-/, 'GB'],
  [/^ca-/, 'CA'],
  [/^ap-(tokyo|osaka)-/, 'JP'],
  [/^ap-(seoul|chuncheon)-/, 'KR'],
  [/^ap-singapore-/, 'SG'],
  [/^ap-(mumbai|hyderabad)-/, 'IN'],
  [/^ap-(sydney|melbourne)-/, 'AU'],
  [/^me-(dubai|abudhabi)-/, 'AE'],
]

const geographyOf = (region: string) => geographies.find(([of]) => of.test(region))?.[1] ?? UNKNOWN
