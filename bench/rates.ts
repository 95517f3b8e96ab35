/**
 * Rate limits of 10, 100 and 10,000 a minute under 0.9 to 10 times as many requests, on one and two
 * servers, in a time that the benchmark moves: what is admitted in any 60 seconds, and how much of
 * what is possible. Beside them limiters of other kinds that see the same requests.
 */
import { engines } from '../test/engines.ts'
import { admittedBy, arrivals, exactly, most, others, type Load } from '../test/ledger/rates.ts'
import { Servers } from '../test/ledger/servers.ts'

/**
 * Of what is possible. Under a limit above 240 a unit counts for up to a tenth of a second more
 * than a minute, so an endless load loses a little each minute.
 */
const LEAST = 0.99

/** Twenty minutes; five where there are many requests. */
const lastingOf = (limit: number, isSmall: boolean) => (isSmall ? 150_000 : limit > 1_000 ? 300_000 : 1_200_000)

/** `-- ENGINE` takes one engine only, `-- --small` takes two and a half minutes of each. */
export async function run() {
  const given = process.argv.slice(3)
  const isSmall = given.includes('--small')
  const chosen = engines.filter((engine) => !given.some((one) => one !== '--small' && one !== engine))
  let isWrong = false
  console.log(
    '| engine | servers | limit | load | most in 60 s | admitted of what is possible | controls: most in 60 s |',
  )
  for (const engine of chosen)
    for (const limit of [10, 100, 10_000])
      for (const servers of [1, 2])
        for (const times of [0.9, 1.5, 3, 10]) {
          const load: Load = { limit, servers, times, lasting: lastingOf(limit, isSmall) }
          const at = arrivals(load, limit + servers)
          const admitted = await measured(engine, load, at)
          const possible = exactly(at, limit).length
          const controls = Object.entries(others).map(([name, limiter]) => `${name} ${most(limiter(at, limit))}`)
          const part = admitted.length / possible
          isWrong ||= most(admitted) > limit || part < LEAST || (times > 1 && most(admitted) < limit)
          console.log(
            `| ${engine} | ${servers} | ${limit} | ${times} | ${most(admitted)} | ` +
              `${admitted.length} of ${possible} (${(part * 100).toFixed(2)} %) | ${controls.join(', ')} |`,
          )
        }
  console.log(isWrong ? 'A limit was passed, or not reached.' : 'No limit was passed, and each was reached.')
  process.exitCode = isWrong ? 1 : 0
}

async function measured(engine: (typeof engines)[number], load: Load, at: readonly number[]) {
  const servers = await Servers.open(engine)
  try {
    return await admittedBy(servers, load, at)
  } finally {
    await servers.stop()
  }
}
