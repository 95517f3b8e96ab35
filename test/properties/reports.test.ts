/**
 * Any requests, any report: its sums are those of the requests, and both engines answer the same.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { usage } from '../../contract/usage.ts'
import { PendingUsage } from '../../ledger/pending-usage.ts'
import { rollUp } from '../../ledger/usage-rows.ts'
import { newAdminKey, newServiceAccount } from '../made.ts'
import { runs } from '../runs.ts'
import { engines, START_MILLISECONDS, startServer, type TestServer } from '../setup.ts'
import { expected, manyUsed, query, widths, type Query, type ReportName, type Used } from './used-requests.ts'

interface Page {
  data: { start_time: number; end_time: number; results: Record<string, any>[] }[]
  has_more: boolean
  next_page: string | null
}

describe('reports', () => {
  let servers: TestServer[] = []
  beforeAll(async () => {
    servers = await Promise.all(engines.map((engine) => startServer(engine)))
  }, START_MILLISECONDS)
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()))
  })

  test('any requests, any query: the sums over buckets and groups are those of the requests, on both engines', async () => {
    await fc.assert(
      fc.asyncProperty(manyUsed, fc.array(query, { minLength: 4, maxLength: 8 }), async (used, queries) => {
        await Promise.all(servers.map((server) => use(server, used)))
        for (const one of queries) {
          const [sqlite, postgres] = await Promise.all(servers.map((server) => walk(server, one)))
          expect(sqlite!.texts).toEqual(postgres!.texts)
          expect(sumsOf(one, sqlite!.pages)).toEqual(expected(one, used))
        }
      }),
      runs(4),
    )
  }, 300_000)

  test('page tokens are bound to their query; a walk to the end has every bucket once', async () => {
    await fc.assert(
      fc.asyncProperty(query, fc.nat(), async (drawn, n) => {
        const server = servers[n % 2]!
        const one = { ...drawn, limit: 1, end_time: drawn.start_time + 3 * widths[drawn.bucket_width] }
        const { pages } = await walk(server, one)
        const buckets = pages.flatMap(({ data }) => data)
        const width = widths[one.bucket_width]
        let next = one.start_time
        for (const { start_time, end_time } of buckets) {
          expect([start_time, end_time]).toEqual([
            next,
            Math.min(start_time - (start_time % width) + width, one.end_time),
          ])
          next = end_time
        }
        expect(next).toBe(one.end_time)
        expect(pages.map(({ has_more }) => has_more)).toEqual(pages.map(({ next_page }) => next_page !== null))
        const token = pages[0]!.next_page!
        for (const other of [...otherQueries(one), [one, damaged(token, n)] as const]) {
          const [asked, page = token] = Array.isArray(other) ? other : [other as Query]
          const answer = await server.request('GET', pathOf(asked as Query, page as string))
          const { error } = (await answer.json()) as { error?: { param: string } }
          expect([answer.status, error?.param]).toEqual([400, 'page'])
        }
        // How many buckets a page has may change on the way.
        const rest = await walk(server, { ...one, limit: 30 }, token)
        expect(rest.pages.flatMap(({ data }) => data)).toEqual(buckets.slice(1))
      }),
      runs(10),
    )
  }, 300_000)

  test('every report is refused to a key of a project, and to an admin key without api.usage.read', async () => {
    for (const server of servers) {
      const account = await newServiceAccount(server)
      const other = await newAdminKey(server, { scopes: ['api.management.read'] })
      for (const name of Object.keys(usage) as ReportName[]) {
        const { path } = usage[name]
        const status = async (key: string) =>
          (await server.request('GET', `${path}?start_time=0`, undefined, { authorization: `Bearer ${key}` })).status
        expect([name, await status(account.api_key.value), await status(other.value)]).toEqual([name, 403, 403])
      }
    }
  })
})

/** The usage of these requests and no other. */
async function use({ database, organization_id }: TestServer, all: readonly Used[]) {
  const pending = new PendingUsage()
  for (const { at, counts, ...series } of all) pending.add({ ...series, organization_id }, at * 1000, counts)
  await database.write(async (sql) => {
    for (const table of ['usage_minutes', 'usage_hours', 'usage_days'] as const) await sql.deleteFrom(table).execute()
    await rollUp(sql, database.engine, pending.take().usage)
  })
}

function pathOf({ report, filters, group_by, ...plain }: Query, page?: string): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(plain)) query.set(name, String(value))
  for (const group of group_by) query.append('group_by[]', group)
  for (const [name, values] of Object.entries(filters))
    for (const value of values) query.append(name === 'batch' ? name : `${name}[]`, String(value))
  if (page) query.set('page', page)
  return `${usage[report].path}?${query}`
}

/** All pages, from this token on. */
async function walk(server: TestServer, query: Query, from?: string) {
  const texts: string[] = []
  const pages: Page[] = []
  for (let page = from; ;) {
    const answer = await server.request('GET', pathOf(query, page))
    texts.push(await answer.text())
    if (answer.status !== 200) throw new Error(`${pathOf(query, page)}: ${texts.at(-1)}`)
    pages.push(JSON.parse(texts.at(-1)!) as Page)
    const { next_page } = pages.at(-1)!
    if (next_page === null) return { texts, pages }
    page = next_page
  }
}

/** In the form of `expected`; a second result of the same bucket and groups is an error. */
function sumsOf({ report, group_by }: Query, pages: readonly Page[]) {
  const sums: [string, Record<string, number>][] = []
  for (const { start_time, results } of pages.flatMap(({ data }) => data))
    for (const result of results) {
      const key = JSON.stringify([start_time, ...group_by.map((group) => result[group])])
      if (sums.some(([other]) => other === key)) throw new Error(`${key} is there twice`)
      const nano = report === 'costs' ? Math.round(result.amount.value * 1e9) : 0
      if (nano > 0) sums.push([key, { nano }])
      if (report !== 'costs') sums.push([key, metricsOf(result)])
    }
  return Object.fromEntries(sums.toSorted(([one], [other]) => (one < other ? -1 : 1)))
}

const metrics = new Set([
  'num_model_requests',
  'input_tokens',
  'output_tokens',
  'input_cached_tokens',
  'input_cache_write_tokens',
  'input_uncached_tokens',
  'images',
  'characters',
  'seconds',
  'num_requests',
])
const metricsOf = (result: Record<string, number>) =>
  Object.fromEntries(Object.entries(result).filter(([name]) => metrics.has(name)))

/** The same query with one thing changed. */
function otherQueries(one: Query): Query[] {
  const [width] = (['1m', '1h', '1d'] as const).filter((width) => width !== one.bucket_width)
  return [
    {
      ...one,
      report: one.report === 'vectorStores' ? 'codeInterpreterSessions' : 'vectorStores',
      group_by: [],
      filters: {},
    },
    { ...one, start_time: one.start_time + 1 },
    { ...one, end_time: one.end_time + 1 },
    { ...one, group_by: one.group_by.includes('project_id') ? [] : [...one.group_by, 'project_id'] },
    { ...one, filters: { ...one.filters, project_ids: ['proj_other'] } },
    { ...one, bucket_width: width! },
  ]
}

/** One character of it is another. */
function damaged(token: string, n: number): string {
  const at = 'page_'.length + (n % (token.length - 'page_'.length))
  return token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
}
