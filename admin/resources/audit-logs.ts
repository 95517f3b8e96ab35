import { sql as raw, type RawBuilder } from 'kysely'
import { auditLogs } from '../../contract/audit-logs.ts'
import { auditEvents, isTenantEvent } from '../../contract/audit.ts'
import { invalid, unknownCursor } from '../../contract/errors.ts'
import type { Output } from '../../contract/kit.ts'
import type { Sql } from '../../database/open.ts'
import { lowerAscii, roundedUp, spread, spreadPlaceholders, statement } from '../../database/statement.ts'
import { handlers, type Call } from '../call.ts'
import type { Actor } from '../audit.ts'

export default handlers(auditLogs, {
  async list(call) {
    const { db, organization_id, query } = call
    const { after, before, limit = 20 } = query
    const { given, names } = filters(query)
    const values = { organization_id, ...(await bounds(call)), limit: limit + 1 }
    const order = before && !after ? 'asc' : 'desc'
    const first = await fewest(db, values, given, names)
    // Rows are found by one filter, through its index, a value at a time; the other filters are asked of each.
    const others = names.filter((name) => name !== first)
    const shape = [order, ...others.map((name) => `${name}:${roundedUp(given[name]!.length)}`)].join(' ')
    const asked = Object.assign(values, ...others.map((name) => spread(name, given[name]!)))
    const rows = await Promise.all(
      placesToLook(given, first).map(({ column, value }) => select(db, { ...asked, value }, `${column} ${shape}`)),
    )
    return page(rows.flat(), order, limit)
  },
})

type Query = Call<typeof auditLogs.list>['query']

/** A place in the list: the newest rows have the highest. */
interface Place {
  at: number
  seq: number
}

const compare = (one: Place, other: Place) => one.at - other.at || one.seq - other.seq

/** The two places between which the page lies. */
async function bounds(call: Call<typeof auditLogs.list>) {
  const { after, before, effective_at = {} } = call.query
  const { gt, gte, lt, lte } = effective_at
  const END = Number.MAX_SAFE_INTEGER
  const most = [
    { at: END, seq: END },
    ...(after ? [await placeOf(call, 'after', after)] : []),
    ...(lt === undefined ? [] : [{ at: lt, seq: 0 }]),
    ...(lte === undefined ? [] : [{ at: lte, seq: END }]),
  ].toSorted(compare)
  const least = [
    { at: -1, seq: 0 },
    ...(before ? [await placeOf(call, 'before', before)] : []),
    ...(gt === undefined ? [] : [{ at: gt, seq: END }]),
    ...(gte === undefined ? [] : [{ at: gte, seq: 0 }]),
  ].toSorted(compare)
  const [newest, oldest] = [most[0]!, least.at(-1)!]
  return { newest_at: newest.at, newest_seq: newest.seq, oldest_at: oldest.at, oldest_seq: oldest.seq }
}

async function placeOf(
  { db, organization_id }: Pick<Call, 'db' | 'organization_id'>,
  param: string,
  id: string,
): Promise<Place> {
  const [place] = await selectPlace(db, { organization_id, id })
  if (!place) throw unknownCursor(id, param)
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
type Filters = { [Name in Filter]?: string[] }

/** The filters that are given. Throws 400 when `tenant_only` contradicts a type that is asked for. */
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

/** The filter that leaves the fewest rows, counted no further than to a thousand; undefined without filters. */
async function fewest(db: Sql, values: object, given: Filters, names: Filter[]): Promise<Filter | undefined> {
  if (names.length < 2) return names[0]
  const counted = await Promise.all(
    names.map(async (name) => {
      const counts = await Promise.all(
        placesToLook(given, name).map(({ column, value }) => count(db, { ...values, value }, column)),
      )
      return { name, rows: counts.reduce((sum, [one]) => sum + Number(one!.rows), 0) }
    }),
  )
  return counted.toSorted((one, other) => one.rows - other.rows)[0]!.name
}

/** Each value of the filter with each column that can have it; without a filter, all rows. */
const placesToLook = (given: Filters, name: Filter | undefined) =>
  name === undefined
    ? [{ column: '', value: null }]
    : [...new Set(given[name])].flatMap((value) => columnsOf[name].map((column) => ({ column, value })))

const indexed = (column: string): RawBuilder<string> =>
  column === 'actor_email' ? raw`lower(item.actor_email)` : raw.ref(`item.${column}`)

/** The rows between two places that have the value in the column, or all of them. */
function between(sql: Sql, $: any, column: string) {
  const rows = sql
    .selectFrom('audit_logs as item')
    .where('item.organization_id', '=', $.organization_id)
    .where(raw<boolean>`(item.effective_at, item.seq) < (${$.newest_at}, ${$.newest_seq})`)
    .where(raw<boolean>`(item.effective_at, item.seq) > (${$.oldest_at}, ${$.oldest_seq})`)
  // What the index of the whole list names as its condition.
  return column ? rows.where(indexed(column), '=', $.value) : rows.where(raw<boolean>`item.seq > 0`)
}

const count = statement((sql: Sql, $: any, column: string) =>
  sql
    .selectFrom(between(sql, $, column).select('item.seq').limit(MOST_COUNTED).as('some'))
    .select((is) => is.fn.countAll().as('rows')),
)

/** `shape` is the column by which rows are found, the order, and how many values each of the other filters has. */
const select = statement((sql: Sql, $: any, shape: string) => {
  const [column, order, ...others] = shape.split(' ') as [string, 'asc' | 'desc', ...string[]]
  let rows = between(sql, $, column)
    .leftJoin('projects as project', (on) =>
      on.onRef('project.organization_id', '=', 'item.organization_id').onRef('project.id', '=', 'item.project_id'),
    )
    .select(['item.seq', 'item.effective_at as at', 'item.entry', 'project.name as project_name'])
  for (const other of others) {
    const [name, size] = other.split(':') as [Filter, string]
    const values: string[] = spreadPlaceholders($, name, Number(size))
    // The empty text behind the column keeps the engines from finding rows by it.
    rows = rows.where((is) =>
      is.or(columnsOf[name].map((one) => is(raw<string>`(${indexed(one)} || '')`, 'in', values))),
    )
  }
  return rows.orderBy('item.effective_at', order).orderBy('item.seq', order).limit($.limit)
})

const selectPlace = statement((sql: Sql, $: { organization_id: string; id: string }) =>
  sql
    .selectFrom('audit_logs')
    .select(['effective_at as at', 'seq'])
    .where('organization_id', '=', $.organization_id)
    .where('id', '=', $.id),
)

type Row = Awaited<ReturnType<typeof select>>[number]

/** Of what was found in several places, each row once, newest first. One more than `limit` says that there is more in this direction. */
function page(found: Row[], order: 'asc' | 'desc', limit: number): Output<typeof auditLogs.list> {
  const rows = [...new Map(found.map((row) => [row.seq, row])).values()].toSorted(compare)
  if (order === 'desc') rows.reverse()
  const has_more = rows.length > limit
  rows.length = Math.min(rows.length, limit)
  if (order === 'asc') rows.reverse()
  const data = rows.map(present)
  return { object: 'list', data, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null, has_more }
}

/** What the chain has hashed is what is shown; only the project's name is today's. */
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
  if (user_id === null) return null
  const who = {
    user: { id: user_id, email: email! },
    ...(ip_address !== null && { ip_address }),
    ...(user_agent !== null && { user_agent }),
  }
  return key_id === null
    ? { type: 'session' as const, session: who }
    : { type: 'api_key' as const, api_key: { id: key_id, type: 'user' as const, ...who } }
}
