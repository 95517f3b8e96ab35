import { sql as raw, type RawBuilder } from 'kysely'
import { auditChain, auditLogs, CHECKED_ROWS } from '../../contract/audit-logs.ts'
import { isTenantEvent } from '../../contract/audit-event-types.ts'
import { auditEvents } from '../../contract/audit-events.ts'
import { invalid } from '../../contract/errors.ts'
import type { Output } from '../../contract/kit.ts'
import { UnknownCursor } from '../../database/storage-errors.ts'
import { readPage, type Cursor, type Order, type Range } from '../../database/pager.ts'
import type { Sql } from '../../database/types.ts'
import { lowerAscii, roundedUp, spread, spreadPlaceholders, statement } from '../../database/statement.ts'
import { handlers, type Call } from '../call.ts'
import type { Actor } from '../audit-chain.ts'
import { verifyNewest } from '../verify-newest.ts'

export default handlers(auditLogs, {
  async list(call) {
    const { given, names } = filters(call.query)
    const list = { read: (range: Range) => readBetween(call, given, names, range), idOf: ({ id }: Row) => id }
    return readPage(list, call.query, present)
  },
})

export const auditChainHandlers = handlers(auditChain, {
  async retrieve({ db, keys, organization_id }) {
    const { newest, checked_from, broken } = await verifyNewest(db, keys.peppers, organization_id, CHECKED_ROWS)
    const hash = newest && Buffer.from(newest.hash).toString('hex')
    return {
      object: 'organization.audit_log.chain',
      newest: newest && { seq: newest.seq, hash: hash!, link: `${organization_id}:${newest.seq}:${hash}` },
      checked_from,
      broken: broken && { seq: broken.seq, why: broken.why },
    }
  },
})

/**
 * Rows are found by one filter, through its index, one value after the other; the other filters are
 * applied to each row.
 */
async function readBetween(call: Call<typeof auditLogs.list>, given: Filters, names: Filter[], range: Range) {
  const { db, organization_id } = call
  const { order, limit } = range
  const values = { organization_id, ...(await bounds(call, range)), limit }
  const first = await fewest(db, values, given, names)
  const others = names.filter((name) => name !== first)
  const asked = Object.assign(values, ...others.map((name) => spread(name, given[name]!)))
  const filters = others.map((name) => ({ name, size: roundedUp(given[name]!.length) }))
  const found = await Promise.all(
    placesToLook(given, first).map(({ column, value }) => select(db, { ...asked, value }, { column, order, filters })),
  )
  // A row that several values have found is kept once.
  const rows = [...new Map(found.flat().map((row) => [row.seq, row])).values()].toSorted(compare)
  if (order === 'desc') rows.reverse()
  return { rows: rows.slice(0, limit) }
}

type Query = Call<typeof auditLogs.list>['query']

/** A position in the list: the newest row has the highest. */
interface Place {
  at: number
  seq: number
}

const compare = (one: Place, other: Place) => one.at - other.at || one.seq - other.seq

/** The range between the two cursors, limited to the times that the query names. */
async function bounds(call: Call<typeof auditLogs.list>, { order, start, end }: Range) {
  const { gt, gte, lt, lte } = call.query.effective_at ?? {}
  const END = Number.MAX_SAFE_INTEGER
  const [below, above] = order === 'desc' ? [start, end] : [end, start]
  const most = [
    { at: END, seq: END },
    ...(below ? [await placeOf(call, below)] : []),
    ...(lt === undefined ? [] : [{ at: lt, seq: 0 }]),
    ...(lte === undefined ? [] : [{ at: lte, seq: END }]),
  ].toSorted(compare)
  const least = [
    { at: -1, seq: 0 },
    ...(above ? [await placeOf(call, above)] : []),
    ...(gt === undefined ? [] : [{ at: gt, seq: END }]),
    ...(gte === undefined ? [] : [{ at: gte, seq: 0 }]),
  ].toSorted(compare)
  const [newest, oldest] = [most[0]!, least.at(-1)!]
  return { newest_at: newest.at, newest_seq: newest.seq, oldest_at: oldest.at, oldest_seq: oldest.seq }
}

async function placeOf({ db, organization_id }: Pick<Call, 'db' | 'organization_id'>, { id, param }: Cursor) {
  const [place] = await selectPlace(db, { organization_id, id })
  if (!place) throw new UnknownCursor(id, param)
  return place
}

const columnsOf = {
  resource_ids: ['resource_id'],
  actor_ids: ['actor_id', 'actor_key_id'],
  actor_emails: ['actor_email'],
  project_ids: ['project_id'],
  event_types: ['type'],
} as const
type Filter = keyof typeof columnsOf
type Column = (typeof columnsOf)[Filter][number]
type Filters = { [Name in Filter]?: string[] }

/**
 * The filters that are given. Throws 400 when `tenant_only` contradicts a type that is asked for.
 */
function filters({ tenant_only, event_types, actor_emails, ...query }: Query) {
  const other = tenant_only ? (event_types ?? []).findIndex((type) => !isTenantEvent(type)) : -1
  if (other >= 0)
    throw invalid(
      `Invalid value: '${event_types![other]}' is not a tenant event, and 'tenant_only' asks for no others.`,
      `event_types[${other}]`,
    )
  const types = event_types ?? (tenant_only ? Object.keys(auditEvents).filter(isTenantEvent) : undefined)
  const given: Filters = { ...query, event_types: types, actor_emails: actor_emails?.map(lowerAscii) }
  return { given, names: (Object.keys(columnsOf) as Filter[]).filter((name) => given[name]) }
}

const MOST_COUNTED = 1000

/**
 * The filter that matches the fewest rows, counted up to a thousand; undefined without filters.
 */
async function fewest(db: Sql, values: object, given: Filters, names: Filter[]): Promise<Filter | undefined> {
  if (names.length < 2) return names[0]
  const counted = await Promise.all(
    names.map(async (name) => {
      const counts = await Promise.all(
        placesToLook(given, name).map(({ column, value }) => count(db, { ...values, value }, { column })),
      )
      return { name, rows: counts.reduce((sum, [one]) => sum + Number(one!.rows), 0) }
    }),
  )
  return counted.toSorted((one, other) => one.rows - other.rows)[0]!.name
}

/**
 * Each value of the filter with each column that can hold it; one entry for all rows where there is
 * no filter.
 */
const placesToLook = (given: Filters, name: Filter | undefined) =>
  name === undefined
    ? [{ column: null, value: null }]
    : [...new Set(given[name])].flatMap((value) => columnsOf[name].map((column) => ({ column, value })))

const indexed = (column: Column): RawBuilder<string> =>
  column === 'actor_email' ? raw`lower(item.actor_email)` : raw.ref(`item.${column}`)

/**
 * The rows between two positions that have the value in the column; all of them without a column.
 */
function between(sql: Sql, params: any, column: Column | null) {
  const rows = sql
    .selectFrom('audit_logs as item')
    .where('item.organization_id', '=', params.organization_id)
    .where(raw<boolean>`(item.effective_at, item.seq) < (${params.newest_at}, ${params.newest_seq})`)
    .where(raw<boolean>`(item.effective_at, item.seq) > (${params.oldest_at}, ${params.oldest_seq})`)
  // The condition of the partial index over the whole list: without it the engines do not use it.
  return column ? rows.where(indexed(column), '=', params.value) : rows.where(raw<boolean>`item.seq > 0`)
}

const count = statement((sql: Sql, params: any, { column }: { column: Column | null }) =>
  sql
    .selectFrom(between(sql, params, column).select('item.seq').limit(MOST_COUNTED).as('some'))
    .select((is) => is.fn.countAll().as('rows')),
)

interface Found {
  /** The column that rows are found by; null for all rows. */
  column: Column | null
  order: Order
  /** The other filters, and how many placeholders each has. */
  filters: readonly { name: Filter; size: number }[]
}

const select = statement(
  (sql: Sql, params: any, { column, order, filters }: { [Name in keyof Found]: Found[Name] }) => {
    let rows = between(sql, params, column)
      .leftJoin('projects as project', (on) =>
        on.onRef('project.organization_id', '=', 'item.organization_id').onRef('project.id', '=', 'item.project_id'),
      )
      .select(['item.id', 'item.seq', 'item.effective_at as at', 'item.entry', 'project.name as project_name'])
    for (const { name, size } of filters) {
      const values: string[] = spreadPlaceholders(params, name, size)
      // Adding empty text to a column keeps the planners from choosing an index on it.
      rows = rows.where((is) =>
        is.or(columnsOf[name].map((one) => is(raw<string>`(${indexed(one)} || '')`, 'in', values))),
      )
    }
    return rows.orderBy('item.effective_at', order).orderBy('item.seq', order).limit(params.limit)
  },
)

const selectPlace = statement((sql: Sql, params: { organization_id: string; id: string }) =>
  sql
    .selectFrom('audit_logs')
    .select(['effective_at as at', 'seq'])
    .where('organization_id', '=', params.organization_id)
    .where('id', '=', params.id),
)

type Row = Awaited<ReturnType<typeof select>>[number]

/** Shows the entry as it was hashed into the chain, with today's name of the project. */
function present({ entry, project_name }: Row): Output<typeof auditLogs.list>['data'][number] {
  const { id, type, effective_at, project_id, actor, ...payload } = JSON.parse(entry)
  return {
    object: 'organization.audit_log',
    id,
    type,
    effective_at,
    ...(project_id && { project: { id: project_id, name: project_name } }),
    actor: presentActor(actor),
    ...payload,
  }
}

function presentActor({ key_id, user_id, email, ip_address, user_agent }: Actor) {
  const from = {
    ...(ip_address !== null && { ip_address }),
    ...(user_agent !== null && { user_agent }),
  }
  // Somebody who could not sign in; what the operator did on the host came from no address.
  if (user_id === null) return ip_address === null ? null : { type: 'session' as const, session: from }
  // A workload that got an access token, which is the key here.
  if (email === null && key_id !== null) {
    const api_key = { id: key_id, type: 'service_account' as const, service_account: { id: user_id }, ...from }
    return { type: 'api_key' as const, api_key }
  }
  const who = { user: { id: user_id, email: email! }, ...from }
  return key_id === null
    ? { type: 'session' as const, session: who }
    : { type: 'api_key' as const, api_key: { id: key_id, type: 'user' as const, ...who } }
}
