/** The IP allow lists of the organization, and which of them are active in it and in a project. */
import { invalid, notFound } from '../../contract/errors.ts'
import { ipAllowlists, MOST_ACTIVE, projectIpAllowlists } from '../../contract/ip-allowlists.ts'
import { wouldLockOut } from '../../contract/resource-errors.ts'
import type { IpAllowlistRow } from '../../database/registry-tables.ts'
import { listOf } from '../../database/table-list.ts'
import type { ProjectRow } from '../../database/tables.ts'
import { canonicalNetwork, Networks, NotANetwork } from '../../world/networks.ts'
import { handlers, type Call, type Handlers } from '../call.ts'
import { requireActive } from '../rules/require-active.ts'
import {
  activateLists,
  activeLists,
  allowedAt,
  deactivateLists,
  placesOf,
  type Place,
} from '../shared/active-allowlists.ts'
import { deletedResult } from '../shared/deleted-result.ts'
import { writeSettingAt } from '../shared/project-settings.ts'

/** The same for the organization and for a project. */
const toggles: Handlers<Pick<typeof ipAllowlists, 'list' | 'activate' | 'deactivate'>> = {
  async list(call) {
    const active = await activeIds(call)
    return table.page(call.db, call, call.query, (row) => present(row, active, call))
  },

  async activate(call) {
    requireActive(call.project)
    const rows = await findNamed(call)
    const before = await activeIds(call)
    const added = rows.filter(({ id }) => !before.has(id))
    if (before.size + added.length > MOST_ACTIVE)
      throw invalid(`At most ${MOST_ACTIVE} IP allow lists are active at a time.`, 'ip_allowlist_ids', 'unusable_value')
    if (added.length > 0) {
      await activateLists(
        call.db,
        placeOf(call),
        added.map(({ id }) => id),
      )
      await enforce(call, placeOf(call))
      for (const row of added) call.record('ip_allowlist.config.activated', { configs: [named(row)] })
    }
    const active = await activeIds(call)
    return { object: `${levelOf(call)}.activation`, data: rows.map((row) => present(row, active, call)) }
  },

  async deactivate(call) {
    requireActive(call.project)
    const rows = await findNamed(call)
    const before = await activeIds(call)
    const removed = rows.filter(({ id }) => before.has(id))
    if (removed.length > 0) {
      await deactivateLists(
        call.db,
        placeOf(call),
        removed.map(({ id }) => id),
      )
      await enforce(call, placeOf(call))
      for (const row of removed) call.record('ip_allowlist.config.deactivated', { configs: [named(row)] })
    }
    const active = await activeIds(call)
    return { object: `${levelOf(call)}.deactivation`, data: rows.map((row) => present(row, active, call)) }
  },
}

export const projectIpAllowlistHandlers = toggles as unknown as Handlers<typeof projectIpAllowlists>

export default handlers(ipAllowlists, {
  ...toggles,

  async create(call) {
    const allowed_ips = networksIn(call.body.allowed_ips)
    const row: IpAllowlistRow = {
      organization_id: call.organization_id,
      id: call.newId('ipallow_'),
      name: call.body.name,
      allowed_ips: JSON.stringify(allowed_ips),
      created_at: call.now,
      deleted_at: null,
    }
    await call.db.insertInto('ip_allowlists').values(row).execute()
    call.record('ip_allowlist.created', { id: row.id, name: row.name, allowed_ips })
    return present(row, new Set(), call)
  },

  async retrieve(call) {
    return present(await find(call, call.params.ip_allowlist_id), await activeIds(call), call)
  },

  async update(call) {
    const before = await find(call, call.params.ip_allowlist_id)
    const { name = before.name } = call.body
    const allowed_ips = call.body.allowed_ips ? networksIn(call.body.allowed_ips) : addressesOf(before)
    const row = { ...before, name, allowed_ips: JSON.stringify(allowed_ips) }
    if (name === before.name && row.allowed_ips === before.allowed_ips)
      return present(before, await activeIds(call), call)
    await change(call, row.id, { name, allowed_ips: row.allowed_ips })
    if (row.allowed_ips !== before.allowed_ips)
      for (const place of await placesOf(call.db, call.organization_id, row.id)) await enforce(call, place)
    call.record('ip_allowlist.updated', { id: row.id, allowed_ips })
    return present(row, await activeIds(call), call)
  },

  async delete(call) {
    const row = await find(call, call.params.ip_allowlist_id)
    const [place] = await placesOf(call.db, call.organization_id, row.id)
    if (place)
      throw invalid(
        `The IP allow list ${row.id} is active for ${place.project_id === '' ? 'the organization' : `project ${place.project_id}`}: deactivate it before.`,
      )
    await change(call, row.id, { deleted_at: call.now })
    call.record('ip_allowlist.deleted', { id: row.id, name: row.name, allowed_ips: addressesOf(row) })
    return deletedResult('organization.ip_allowlist', row.id)
  },
})

const THING = 'ip_allowlist'

const table = listOf('ip_allowlists', ['organization_id'], (item) =>
  item.selectAll().where('item.deleted_at', 'is', null),
)

type Placed = Pick<Call, 'db' | 'organization_id'> & { project: ProjectRow | undefined }

const placeOf = ({ organization_id, project }: Placed): Place => ({ organization_id, project_id: project?.id ?? '' })

const activeIds = async (call: Placed) => new Set((await activeLists(call.db, placeOf(call))).map(({ id }) => id))

async function find(call: Pick<Call, 'db' | 'organization_id'>, id: string, param: string | null = null) {
  const row = await table.find(call.db, call, id)
  if (!row) throw notFound(THING, id, param)
  return row
}

/** Those that the body names, each once; throws 404 for the first that is not there. */
async function findNamed(call: Placed & { body: { ip_allowlist_ids: string[] } }): Promise<IpAllowlistRow[]> {
  const rows: IpAllowlistRow[] = []
  for (const id of new Set(call.body.ip_allowlist_ids)) rows.push(await find(call, id, 'ip_allowlist_ids'))
  return rows
}

/**
 * In their one form. Throws 400 for what is no address and no CIDR, and for what is there twice.
 */
function networksIn(texts: readonly string[]): string[] {
  const found = texts.map((text, n) => {
    const param = `allowed_ips[${n}]`
    try {
      return canonicalNetwork(text)
    } catch (error) {
      if (!(error instanceof NotANetwork)) throw error
      throw invalid(`Invalid '${param}': '${text}' ${error.message}.`, param, 'unusable_value')
    }
  })
  const twice = found.findIndex((one, n) => found.indexOf(one) !== n)
  if (twice >= 0)
    throw invalid(`Invalid 'allowed_ips': it has ${found[twice]} twice.`, `allowed_ips[${twice}]`, 'unusable_value')
  return found
}

/**
 * Makes every server hold calls to what is active in a place now. For the organization it throws
 * 400 if the caller's own address would not be allowed any more, unless the body says `force`.
 */
async function enforce(
  call: Pick<Call, 'db' | 'organization_id' | 'ip_address' | 'invalidate'> & { body: { force?: boolean } },
  place: Place,
) {
  const allowed = await allowedAt(call.db, place)
  const isLockedOut = place.project_id === '' && allowed.length > 0 && !new Networks(allowed).has(call.ip_address)
  if (isLockedOut && call.body.force !== true) throw wouldLockOut(call.ip_address ?? 'unknown')
  await writeSettingAt(call, place.project_id, 'ip_allowlist', allowed)
}

const change = (
  { db, organization_id }: Pick<Call, 'db' | 'organization_id'>,
  id: string,
  columns: Partial<IpAllowlistRow>,
) =>
  db
    .updateTable('ip_allowlists')
    .set(columns)
    .where('organization_id', '=', organization_id)
    .where('id', '=', id)
    .execute()

const named = ({ id, name }: IpAllowlistRow) => ({ id, name })

const addressesOf = ({ allowed_ips }: IpAllowlistRow) => JSON.parse(allowed_ips) as string[]

/** Named as in the type of the organization's operations; those of a project run the same code. */
const levelOf = ({ project }: Pick<Placed, 'project'>) =>
  `organization.${project ? 'project.' : ''}ip_allowlist` as 'organization.ip_allowlist'

const present = (row: IpAllowlistRow, active: ReadonlySet<string>, call: Pick<Placed, 'project'>) => ({
  object: levelOf(call),
  id: row.id,
  name: row.name,
  allowed_ips: addressesOf(row),
  created_at: row.created_at,
  active: active.has(row.id),
})
