/**
 * One server of `npm run bench servers`: a process with a ledger, whose clients ask to be admitted
 * side by side. Prints what it measured as one line of JSON.
 */
import { openDatabase } from '../database/open.ts'
import { Ledger } from '../ledger/ledger.ts'
import { SpendLimited } from '../ledger/refusals.ts'
import type { Series } from '../ledger/usage-counts.ts'
import { realWorld } from '../world/world.ts'

export interface LedgerServerOptions {
  address: string
  /** `near`: every request waits for an exchange, because little is left of the limit. */
  mode: 'far' | 'near'
  servers: number
  clients: number
  milliseconds: number
}

export interface Measured {
  admitted: number
  exchanges: number
  seconds: number
  cpu: number
  /** Milliseconds that requests waited to be admitted, a sample. */
  waits: number[]
}

const BOUND = 1_000_000
/** How long an admitted request runs, when the limit is far. */
const RUNS_MILLISECONDS = 10
const LARGEST = 8_000_000_000_000_000

async function main({ address, mode, servers, clients, milliseconds }: LedgerServerOptions): Promise<Measured> {
  const database = await openDatabase(address)
  const ledger = new Ledger(database, realWorld, { onError: (error) => console.error(error) })
  await ledger.start()
  // Below this, a hundredth of what is left is less than a request for each server.
  const limit = mode === 'far' ? LARGEST : 100 * servers * BOUND
  const waits: number[] = []
  let admitted = 0
  let project = 0
  const seriesOf = (project_id: string): Series => ({
    organization_id: 'org',
    kind: 'completions',
    project_id,
    user_id: 'user',
    api_key_id: 'key',
    model: 'model',
    service_tier: '',
    batch: 0,
    detail: '',
    estimated: 0,
    priced: 1,
  })
  let series = seriesOf(`${mode} ${servers} 0`)
  const end = performance.now() + milliseconds
  const client = async () => {
    while (performance.now() < end) {
      const began = performance.now()
      const own = series
      const limits = { organization: LARGEST, project: limit }
      try {
        const ask = {
          organization_id: 'org',
          project_id: own.project_id,
          windows: [],
          limits,
          bound: BOUND,
          series: own,
        }
        const admission = await ledger.admit(ask)
        admitted++
        if (waits.length < 20_000) waits.push(performance.now() - began)
        if (mode === 'far') await Bun.sleep(RUNS_MILLISECONDS)
        admission.settle({ requests: 1, cost_output: BOUND })
      } catch (error) {
        if (!(error instanceof SpendLimited)) throw error
        // The next one has its whole limit.
        if (series === own) series = seriesOf(`${mode} ${servers} ${++project}`)
      }
    }
  }
  const before = { exchanges: ledger.counts.exchanges, at: performance.now(), cpu: process.cpuUsage() }
  await Promise.all(Array.from({ length: clients }, client))
  const seconds = (performance.now() - before.at) / 1000
  const exchanges = ledger.counts.exchanges - before.exchanges
  const { user, system } = process.cpuUsage(before.cpu)
  await ledger.stop()
  await database.close()
  return { admitted, exchanges, seconds, cpu: (user + system) / 1e6 / seconds, waits }
}

if (import.meta.main) console.log(JSON.stringify(await main(JSON.parse(process.argv[2]!) as LedgerServerOptions)))
