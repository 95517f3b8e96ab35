/** A server in this process whose reports are measured, and what their statements read. */
import { Database as Sqlite } from 'bun:sqlite'
import { join } from 'node:path'
import { sql as raw } from 'kysely'
import { firstStart } from '../admin/bootstrap.ts'
import { reports } from '../admin/resources/usage.ts'
import { usage } from '../contract/usage.ts'
import { openDatabase } from '../database/open.ts'
import type { Database } from '../database/types.ts'
import { checkPeppers } from '../keys/check-peppers.ts'
import { partsOf } from '../ledger/report-parts.ts'
import { queryOf, type PageRequest } from '../ledger/report-page.ts'
import { reportStatement } from '../ledger/report.ts'
import { minutesOf, tables, type Width } from '../ledger/widths.ts'
import { assemble } from '../server/assemble.ts'
import { Secret } from '../world/secret.ts'
import { realWorld } from '../world/world.ts'

export interface ReportServer {
  database: Database
  address: string
  /** Reads every page from this path on, and answers how many bytes they have. */
  walk: (path: string) => Promise<number>
  /** How many rows of the roll-ups the statements of a report read. */
  rowsRead: (
    report: keyof typeof usage,
    width: Width,
    query: { from: number; to: number; groups: readonly string[] },
  ) => Promise<number>
  stop: () => Promise<void>
}

const NO_ROWS_PRUNED = { minute: 0, hour: 0 }

export async function openReports(address: string): Promise<ReportServer> {
  const database = await openDatabase(address)
  const peppers = [new Secret(realWorld.random(32))] as const
  await checkPeppers(database, peppers)
  const first = await firstStart(database, peppers[0], realWorld, { owner_email: 'owner@example.com', admin_key: null })
  const assembled = await assemble({
    database,
    peppers,
    world: realWorld,
    cachedKeys: 1_000,
    leaseMilliseconds: 60_000,
    upstreams: null,
    // Everything stays that the bench has filled in.
    keptDays: { minute: 36_500, hour: 36_500 },
    log: () => {},
    addressOf: () => null,
    onError: (what, error) => console.error(what, error),
  })
  const listener = Bun.serve({
    port: 0,
    idleTimeout: 255,
    hostname: '127.0.0.1',
    fetch: (request) => assembled.fetch(request),
  })
  const client = startClient(`http://127.0.0.1:${listener.port}/v1`, `Bearer ${first!.admin_key}`)
  return {
    database,
    address,
    walk: (path) => client.ask(path),
    rowsRead: (report, width, query) =>
      rowsRead(database, {
        organization_id: first!.organization_id,
        report: reports[report],
        width,
        filters: {},
        next_page: null,
        ...query,
      }),
    async stop() {
      client.stop()
      await listener.stop(true)
      await assembled.stop()
      await database.close()
    },
  }
}

/** Answers one question at a time. */
function startClient(address: string, authorization: string) {
  let answered = (_bytes: number) => {}
  let failed = (_error: Error) => {}
  const child = Bun.spawn([process.execPath, join(import.meta.dir, 'report-client.ts'), address, authorization], {
    stdio: ['ignore', 'ignore', 'inherit'],
    ipc: (bytes) => answered(bytes as number),
    onExit: () => failed(new Error('The client of the reports ended.')),
  })
  return {
    ask: (path: string) =>
      new Promise<number>((resolve, reject) => {
        answered = resolve
        failed = reject
        child.send(path)
      }),
    stop: () => child.kill(),
  }
}

async function rowsRead(database: Database, request: PageRequest): Promise<number> {
  const query = queryOf(request)
  if (database.engine === 'sqlite') {
    requireSearch(database, query)
    let rows = 0
    for (const { table, begin, end } of partsOf(request.width, request.from / 60, request.to / 60, NO_ROWS_PRUNED)) {
      const all = raw<{
        n: number
      }>`select count(*) as n from ${raw.table(tables[table])} where at >= ${begin} and at < ${end}`
      rows += (await all.execute(database.read)).rows[0]!.n
    }
    return rows
  }
  let rows = 0
  const step = minutesOf[request.width] * 60 * 30
  for (let { from } = request; from < request.to; from += step) {
    const statement = reportStatement({ ...query, from, to: Math.min(from + step, request.to) }, NO_ROWS_PRUNED)
    const explained = await raw<
      Record<string, unknown>
    >`explain (analyze, timing off, format json) ${statement}`.execute(database.read)
    const plan = Object.values(explained.rows[0]!)[0]
    rows += scanned((typeof plan === 'string' ? JSON.parse(plan) : plan)[0].Plan)
  }
  return rows
}

/**
 * SQLite does not say how many rows it read; where it searches the key, it is the range's rows. On
 * a connection of its own, because a statement that explains holds the snapshot of its connection.
 */
function requireSearch({ path, read }: Database, query: ReturnType<typeof queryOf>) {
  const { sql, parameters } = reportStatement(query, NO_ROWS_PRUNED).compile(read)
  const connection = new Sqlite(path!, { readonly: true })
  const plan = connection.query(`explain query plan ${sql}`).all(...(parameters as never[])) as { detail: string }[]
  connection.close()
  const scans = plan.map(({ detail }) => detail).filter((detail) => /^SCAN usage_(minutes|hours|days)/.test(detail))
  if (scans.length > 0) throw new Error(scans.join('; '))
}

interface Plan {
  'Relation Name'?: string
  'Actual Rows': number
  'Actual Loops': number
  'Rows Removed by Filter'?: number
  Plans?: Plan[]
}

function scanned(plan: Plan): number {
  const isUsage = /^usage_(minutes|hours|days)$/.test(plan['Relation Name'] ?? '')
  const own = isUsage ? (plan['Actual Rows'] + (plan['Rows Removed by Filter'] ?? 0)) * plan['Actual Loops'] : 0
  return own + (plan.Plans ?? []).reduce((sum, one) => sum + scanned(one), 0)
}
