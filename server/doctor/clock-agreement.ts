/** Whether the clock of this machine agrees with those of the database and of the upstreams. */
import { askUpstream } from '../../gateway/ask-upstream.ts'
import { Upstream } from '../../gateway/upstreams.ts'
import { realWorld } from '../../world/world.ts'
import { check, ok, problem, warning, type Finding, type Host } from './finding.ts'
import { readDatabase } from './read-database.ts'

/** `Date` has whole seconds, and an answer takes its time. */
const TOLERATED_SECONDS = 5
/** Keys and tokens then end noticeably too early or too late. */
const PROBLEM_SECONDS = 60

export const clock = check({
  name: 'clock',
  settings: ['database'],
  late: 'Look whether the database and the upstreams answer.',
  async look({ database }, host) {
    const others = await Promise.all([
      ...(database.startsWith('sqlite:') ? [] : [aheadOfDatabase(database, host).catch(() => null)]),
      ...(host.upstreams?.upstreams.map((config) => aheadOfUpstream(config, host).catch(() => null)) ?? []),
    ])
    const compared = others.filter((one) => one !== null)
    if (compared.length === 0)
      return [ok('No other clock answers to compare with; the clock of a PostgreSQL or an upstream would.')]
    const findings = compared.flatMap(finding)
    if (findings.length > 0) return findings
    return [ok(`The clock agrees with that of ${compared.map(({ name }) => name).join(' and ')}.`)]
  },
})

interface Compared {
  name: string
  /** How far the clock of this machine is ahead. */
  seconds: number
}

async function aheadOfDatabase(address: string, { now }: Host): Promise<Compared> {
  return readDatabase(address, async ({ ask }) => {
    const began = now()
    const [row] = await ask('select extract(epoch from clock_timestamp())::float8 as now')
    return { name: 'the database', seconds: (began + now()) / 2000 - Number(row!.now) }
  })
}

async function aheadOfUpstream(config: Upstream['config'], { now, signal }: Host): Promise<Compared | null> {
  const began = now()
  const answer = await askUpstream(realWorld, new Upstream(config, realWorld), '/models', signal)
  const middle = (began + now()) / 2
  await answer.body?.cancel()
  const date = Date.parse(answer.headers.get('date') ?? '')
  // Half of the second that the header leaves out.
  return Number.isNaN(date) ? null : { name: `the upstream "${config.name}"`, seconds: (middle - date) / 1000 - 0.5 }
}

function finding({ name, seconds }: Compared): Finding[] {
  const off = Math.round(Math.abs(seconds))
  if (off <= TOLERATED_SECONDS) return []
  const how = off > PROBLEM_SECONDS ? problem : warning
  const side = seconds > 0 ? 'ahead of' : 'behind'
  return [
    how(
      `The clock of this machine is ${off} seconds ${side} that of ${name}; set both by NTP ("timedatectl set-ntp true").`,
    ),
  ]
}
