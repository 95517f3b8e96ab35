/** Costs by the hour and by the minute: they sum up to those of days, to the nano-dollar. */
import { beforeAll, expect, test } from 'bun:test'
import { rollUp } from '../../ledger/usage-rows.ts'
import { inProcess } from '../cli/terminal.ts'
import { onBothEngines, type TestServer } from '../setup.ts'
import { series } from './asks.ts'

const HOUR = 3600
const DAY = 24 * HOUR
const DAYS = 8
/** Midnight, UTC. */
const BEGIN = Date.UTC(2026, 9, 28) / 1000
const END = BEGIN + DAYS * DAY

interface CostPage {
  data: { start_time: number; results: { amount: { value: number }; user_id: string | null }[] }[]
  next_page: string | null
}

/** Two people spend odd amounts of nano-dollars at odd minutes; answers what was spent at all. */
async function spend({ database, organization_id }: TestServer): Promise<number> {
  const rows = Array.from({ length: 400 }, (_, n) => ({
    series: {
      ...series,
      organization_id,
      user_id: n % 3 === 0 ? 'user-one' : 'user-other',
      estimated: n % 4 === 0 ? (1 as const) : (0 as const),
    },
    minute: BEGIN / 60 + ((n * 7919) % (DAYS * 1440)),
    counts: { requests: 1, input: n, cost_input: 1 + n * 104_729, cost_output: n % 5 },
  }))
  await database.write((sql) => rollUp(sql, database.engine, rows))
  return rows.reduce((sum, { counts }) => sum + counts.cost_input + counts.cost_output, 0)
}

const nanoOf = ({ results }: CostPage['data'][number]) =>
  results.reduce((sum, { amount }) => sum + Math.round(amount.value * 1e9), 0)

onBothEngines('costs by the hour', (server) => {
  let spent: number
  beforeAll(async () => {
    spent = await spend(server())
  })

  /** All pages: nano-dollars by the begin of each day. */
  async function byDay(query: string): Promise<Map<number, number>> {
    const sums = new Map<number, number>()
    for (let page: string | null = ''; page !== null;) {
      const path = `/organization/costs?start_time=${BEGIN}&end_time=${END}&${query}${page && `&page=${page}`}`
      const answer = await server().request('GET', path)
      expect(answer.status).toBe(200)
      const { data, next_page } = (await answer.json()) as CostPage
      for (const bucket of data) {
        const day = bucket.start_time - (bucket.start_time % DAY)
        sums.set(day, (sums.get(day) ?? 0) + nanoOf(bucket))
      }
      page = next_page
    }
    return sums
  }

  test('sum up to those of each day, whatever they are grouped by, and to all that was spent', async () => {
    const days = await byDay('limit=180')
    expect([...days.values()].reduce((sum, nano) => sum + nano)).toBe(spent)
    const others = ['bucket_width=1h', 'bucket_width=1h&limit=168&group_by[]=line_item', 'bucket_width=1m&limit=1440']
    for (const query of others) expect(await byDay(query)).toEqual(days)
  })

  test('of one person are what the report says of this person among all', async () => {
    const query = `/organization/costs?start_time=${BEGIN}&end_time=${END}&bucket_width=1h&limit=168`
    const read = async (more: string) => (await (await server().request('GET', query + more)).json()) as CostPage
    const all = await read('&group_by[]=user_id')
    const own = await read('&user_ids[]=user-one')
    const ofOne = all.data.map((bucket) =>
      nanoOf({ ...bucket, results: bucket.results.filter(({ user_id }) => user_id === 'user-one') }),
    )
    expect(own.data.map(nanoOf)).toEqual(ofOne)
    expect(Math.max(...ofOne)).toBeGreaterThan(0)
  })

  test('have pages of at most a week of hours, a day of minutes and 180 days', async () => {
    for (const [width, most] of Object.entries({ '1m': 1440, '1h': 168, '1d': 180 })) {
      const path = `/organization/costs?start_time=0&end_time=${END}&bucket_width=${width}&limit=`
      const page = await server().request('GET', path + most)
      expect(((await page.json()) as CostPage).data.length).toBe(most)
      const refused = await server().request('GET', path + (most + 1))
      const { error } = (await refused.json()) as { error: { param: string } }
      expect([refused.status, error.param]).toEqual([400, 'limit'])
    }
  })

  test('come from the command line too', async () => {
    const socket = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: server().fetch })
    const environment = { OPENAI_BASE_URL: new URL('/v1', socket.url).href, OPENAI_ADMIN_KEY: server().admin_key }
    const line = `usage costs --start-time ${BEGIN} --end-time ${BEGIN + DAY} --bucket-width 1h --user-ids user-one`
    const { err, out } = await inProcess(line, { environment })
    expect(err).toBe('')
    const { data } = JSON.parse(out) as CostPage
    expect(data.map(({ start_time }) => start_time)).toEqual(data.map((_, n) => BEGIN + n * HOUR))
    const spent = data.map(nanoOf).reduce((sum, nano) => sum + nano)
    expect(spent).toBeGreaterThan(0)
    const sheet = await inProcess(`${line} --group-by line_item --output csv`, { environment })
    const [head, ...rows] = sheet.out.trimEnd().split('\r\n')
    expect(head).toStartWith('start_time,end_time,line_item,project_id,user_id,api_key_id,api_source,amount,quantity')
    const cells = rows.map((row) => /^([^,]*),[^,]*,"(.*?)",,,,,([^,]*),/.exec(row)!)
    expect(cells.map(([, , , amount]) => Math.round(Number(amount) * 1e9)).reduce((sum, nano) => sum + nano)).toBe(
      spent,
    )
    expect(cells[0]![1]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:00:00Z$/)
    const names = await inProcess(`${line} --group-by line_item --field line_item --limit 1`, { environment })
    expect(names.out.split('\n')).toContain(cells[0]![2]!)
    expect(names.err).toMatch(/^There are more: --page page_\S+ shows the next page\.\n$/)
    const apart = await inProcess(`${line} --group-by estimated --output csv`, { environment })
    const [titles, ...lines] = apart.out.trimEnd().split('\r\n')
    expect(titles).toStartWith(
      'start_time,end_time,line_item,project_id,user_id,api_key_id,api_source,estimated,amount',
    )
    const parts = lines.map((row) => /^[^,]*,[^,]*,,,,,,(true|false),([^,]*),/.exec(row)!)
    expect(new Set(parts.map(([, estimated]) => estimated))).toEqual(new Set(['true', 'false']))
    expect(parts.map(([, , amount]) => Math.round(Number(amount) * 1e9)).reduce((sum, nano) => sum + nano)).toBe(spent)
    const shown = await inProcess(`${line} --group-by estimated --output table`, { environment })
    expect(shown.out).toMatch(/ESTIMATED .*\n(.* (yes|no) .*\n)+$/)
    await socket.stop(true)
  })
})
