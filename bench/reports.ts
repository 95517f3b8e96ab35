/**
 * Usage and cost reports over ten million rows of the roll-ups, on both engines: each report with
 * each `group_by`, a day in minutes and a month in hours (costs: also in days). Prints the time,
 * the rows that were read, and for how long the thread that answers requests stood still.
 */
import { mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { usage } from '../contract/usage.ts'
import { startPostgres } from '../test/postgres.ts'
import { fillUsage, SERIES_A_MINUTE, type History } from './filled-usage.ts'
import { openReports, type ReportServer } from './report-server.ts'

/** Days of minutes, hours and days. The same queries are made over a part of the history first. */
const full: History[] = [
  { minute: 4, hour: 40, day: 80 },
  { minute: 45, hour: 400, day: 800 },
]
const small: History[] = [
  { minute: 1, hour: 32, day: 40 },
  { minute: 3, hour: 64, day: 80 },
]
const GIGABYTE = 2 ** 30

export async function run() {
  const isSmall = process.argv.includes('--small')
  requireRoom(isSmall ? 1 : 6)
  console.log(`Bun ${Bun.version}, ${cpus().length} × ${cpus()[0]?.model}, load ${loadavg()[0]!.toFixed(1)}`)
  console.log(`${SERIES_A_MINUTE} series are active in a minute, twice as many in an hour, eight times in a day.`)
  const engines = process.argv.filter((word) => word === 'sqlite' || word === 'postgres')
  if (engines.length === 0 || engines.includes('sqlite')) await measureSqlite(isSmall)
  if (engines.length === 0 || engines.includes('postgres')) await measurePostgres(isSmall)
  console.log(`load at the end ${loadavg()[0]!.toFixed(1)}`)
}

async function measureSqlite(isSmall: boolean) {
  const folder = mkdtempSync(join(tmpdir(), 'keyhall-bench-reports-'))
  try {
    await measure(`sqlite:${join(folder, 'keyhall.db')}`, isSmall)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function measurePostgres(isSmall: boolean) {
  const postgres = await startPostgres()
  try {
    await measure(postgres.url, isSmall)
  } finally {
    await postgres.stop()
  }
}

function requireRoom(gigabytes: number) {
  const { bavail, bsize } = statfsSync(tmpdir())
  if (bavail * bsize < gigabytes * GIGABYTE)
    throw new Error(
      `This needs ${gigabytes} GB in ${tmpdir()}, and ${((bavail * bsize) / GIGABYTE).toFixed(1)} are free.`,
    )
}

async function measure(address: string, isSmall: boolean) {
  const [part, whole] = isSmall ? small : full
  const server = await openReports(address)
  try {
    await fill(server, null, part!)
    // The same range must cost the same when there is more history.
    await measureAll(server, ['completions', 'costs'], true)
    await fill(server, part!, whole!)
    const all = await measureAll(server, Object.keys(usage) as (keyof typeof usage)[], isSmall)
    const slowest = all.toSorted((one, other) => other.milliseconds - one.milliseconds)[0]!
    console.log(`slowest: ${slowest.milliseconds.toFixed(0)} ms (${slowest.name.replaceAll(/ +/g, ' ')})`)
    const longest = Math.max(...all.map(({ pause }) => pause))
    console.log(`the main thread worked in one piece for at most ${longest.toFixed(1)} ms`)
  } finally {
    await server.stop()
  }
}

async function fill(server: ReportServer, before: History | null, after: History) {
  const began = performance.now()
  const rows = await fillUsage(server, before, after)
  const seconds = (performance.now() - began) / 1000
  console.log(
    `\n${server.database.engine}: ${rows.toLocaleString('en')} rows, the last of them in ${seconds.toFixed(0)} s`,
  )
}

interface Figure {
  name: string
  rows: number
  milliseconds: number
  pause: number
  bytes: number
}

/** Few: without groups and with all of them. */
async function measureAll(server: ReportServer, reports: (keyof typeof usage)[], few: boolean): Promise<Figure[]> {
  const idle = await longestPause(() => Bun.sleep(1_000))
  console.log(
    `in a second without a report the main thread worked for ${idle.longest.toFixed(1)} ms in one piece, and a timer was ${idle.late.toFixed(1)} ms late`,
  )
  console.log(`${'report, range, group_by'.padEnd(80)} rows read      ms    MB  piece`)
  const figures: Figure[] = []
  for (const report of reports)
    for (const groups of groupings(report, few)) {
      const fine = ['1,440 minutes', '744 hours'] as const
      const ranges = report === 'costs' ? ([...fine, '31 days'] as const) : fine
      for (const range of ranges) {
        const name = `${report.padEnd(23)} ${range.padEnd(13)} ${groups.join(' ') || '–'}`
        const figure = { name, ...(await measureOne(server, report, range, groups)) }
        figures.push(figure)
        print(figure)
      }
    }
  return figures
}

function groupings(report: keyof typeof usage, few: boolean): string[][] {
  type Groups = { items: { enum: string[] } }
  const schema = usage[report].query.properties.group_by as unknown as Groups & { anyOf?: Groups[] }
  const names = (schema.anyOf?.[0] ?? schema).items.enum
  return [[], ...(few ? [] : names.map((name) => [name])), ...(few || names.length > 1 ? [names] : [])]
}

const ranges = {
  '1,440 minutes': { days: 1, query: 'bucket_width=1m&limit=1440' },
  '744 hours': { days: 31, query: 'bucket_width=1h&limit=168' },
  '31 days': { days: 31, query: 'bucket_width=1d&limit=31' },
}

/** Of one walk to the end. */
async function measureOne(
  server: ReportServer,
  report: keyof typeof usage,
  range: keyof typeof ranges,
  groups: readonly string[],
) {
  const { days, query } = ranges[range]
  const end = Math.floor(Date.now() / 86_400_000) * 86_400
  const groupBy = groups.map((group) => `&group_by[]=${group}`).join('')
  const path = `${usage[report].path}?start_time=${end - days * 86_400}&end_time=${end}&${query}${groupBy}`
  const began = performance.now()
  const { longest, result } = await longestPause(() => server.walk(path))
  const milliseconds = performance.now() - began
  const rows = await server.rowsRead(
    report,
    range === '1,440 minutes' ? 'minute' : range === '31 days' ? 'day' : 'hour',
    {
      from: end - days * 86_400,
      to: end,
      groups,
    },
  )
  return { rows, milliseconds, pause: longest, bytes: result }
}

/**
 * For how long the thread that answers requests worked, at most, between two calls of a timer that
 * is due every millisecond. Counted is the thread's CPU time, because on a machine that does other
 * things as well, the timer is late for reasons that are not ours; `late` says by how much.
 */
async function longestPause<Result>(work: () => Promise<Result>) {
  const cpu = () => {
    const { user, system } = process.threadCpuUsage()
    return (user + system) / 1000
  }
  let [last, before, late, longest] = [performance.now(), cpu(), 0, 0]
  const timer = setInterval(() => {
    const [now, used] = [performance.now(), cpu()]
    late = Math.max(late, now - last - 1)
    longest = Math.max(longest, used - before)
    last = now
    before = used
  }, 1)
  const result = await work()
  clearInterval(timer)
  return { longest, late, result }
}

function print({ name, rows, milliseconds, bytes, pause }: Figure) {
  console.log(
    `${name.slice(0, 80).padEnd(80)} ${rows.toLocaleString('en').padStart(9)} ${milliseconds.toFixed(0).padStart(7)} ` +
      `${(bytes / 1e6).toFixed(1).padStart(5)} ${pause.toFixed(1).padStart(6)}`,
  )
}
