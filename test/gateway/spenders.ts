/**
 * Clients that spend a limit of one dollar as fast as they can, through real servers of which some
 * are killed. Each life of a server has a key of its own, so that what was spent through it can be
 * told apart.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { budgetChecks, disagreements } from '../../ledger/verify.ts'
import { sweep } from '../../ledger/sweep.ts'
import { monthOf } from '../../ledger/usage-counts.ts'
import { unnamed } from '../ledger/servers.ts'
import { folder, serve, type Serving } from '../cli/command.ts'
import { programFile } from '../program.ts'
import { testPepper, type EngineName } from '../setup.ts'
import { NANO_PER_TOKEN, startCountingUpstream, type CountingUpstream } from './counting-upstream.ts'
import { addKeys, startNodes, type Nodes } from './nodes.ts'

/** One dollar, in nano-dollars. */
export const LIMIT = 1_000_000_000
const [LEAST_TOKENS, MOST_TOKENS] = [10, 5_000]

export interface Spending {
  engine: EngineName
  servers: number
  clients: number
  kills: number
  /** Milliseconds until the next server is killed, on average. */
  killEvery: number
  /** Whether the leases of killed servers end at once, and not only after seconds. */
  endsLeases: boolean
  latency: () => number
}

/** A server from its start to its end. */
interface Life {
  server: Serving
  /** Its name in the ledger. */
  id: string
  key: { id: string; value: string }
  isKilled: boolean
  /** Streams that their clients left. */
  aborted: number
}

export class Spenders {
  readonly #options: Spending
  readonly #nodes: Nodes
  readonly upstream: CountingUpstream
  readonly #home = folder()
  readonly lives: Life[] = []
  /** Nobody is killed any more, and next to nothing is reserved that could come back. */
  #isQuiet = false
  readonly counts = { admitted: 0, refused: 0, kills: 0, states: 0 }
  /** What was wrong with the ledger in any state that was looked at. */
  readonly problems: string[] = []

  private constructor(options: Spending, nodes: Nodes) {
    this.#options = options
    this.#nodes = nodes
    this.upstream = startCountingUpstream(options.latency)
  }

  static async start(options: Spending) {
    const spenders = new Spenders(options, await startNodes(options.engine))
    for (let n = 0; n < options.servers; n++) await spenders.#startServer()
    await spenders.#setLimit()
    return spenders
  }

  async #startServer() {
    const { address, database, tenant } = this.#nodes
    const config = join(this.#home.path, 'keyhall.yaml')
    const models = `models:\n  - match: m\n    prices: [{ input: 0, output: 10 }]\n    max_output_tokens: ${MOST_TOKENS}\n`
    writeFileSync(config, `upstreams:\n  - name: one\n    base_url: ${this.upstream.url}\n${models}`)
    const [key] = await addKeys(database, tenant, 1)
    const server = await serve(address, [], {
      program: [process.execPath, programFile],
      env: { KEYHALL_PEPPER: Buffer.from(testPepper.reveal()).toString('hex'), KEYHALL_CONFIG: config },
      cwd: this.#home.path,
    })
    const known = this.lives.map(({ id }) => id)
    const rows = await database.read.selectFrom('ledger_servers').select('id').execute()
    const { id } = rows.find((row) => !known.includes(row.id))!
    this.lives.push({ server, id, key: key!, isKilled: false, aborted: 0 })
  }

  get #living() {
    return this.lives.filter(({ isKilled }) => !isKilled)
  }

  async #setLimit() {
    const { project_id, admin_key } = this.#nodes.tenant
    const answer = await fetch(`${this.lives[0]!.server.url}/v1/organization/projects/${project_id}/spend_limit`, {
      method: 'POST',
      headers: { authorization: `Bearer ${admin_key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ threshold_amount: 100, currency: 'USD', interval: 'month' }),
    })
    if (!answer.ok) throw new Error(`the limit was not set: ${await answer.text()}`)
  }

  /** Ends when all clients were refused the smallest request, and nothing is reserved any more. */
  async spend() {
    const spending = { isOver: false }
    const watching = (async () => {
      while (!spending.isOver) {
        const { reserved } = await this.look()
        this.#isQuiet = this.counts.kills === this.#options.kills && reserved < LIMIT / 50
        await Bun.sleep(50)
      }
    })()
    const clients = Array.from({ length: this.#options.clients }, (_, n) => this.#client(n))
    await Promise.all([this.#kill(), ...clients])
    for (let tries = 0; tries < 300 && (await this.look()).reserved > 0; tries++) await Bun.sleep(50)
    spending.isOver = true
    await watching
  }

  /** The project's budget now. */
  async look() {
    const checks = await budgetChecks(this.#nodes.database.read, monthOf(Date.now()))
    const own = checks.find(({ project_id }) => project_id === this.#nodes.tenant.project_id)
    this.counts.states++
    this.problems.push(...checks.flatMap((one) => [...disagreements(one, one === own ? LIMIT : null), ...unnamed(one)]))
    return own ?? { settled: 0, burned: 0, reserved: 0 }
  }

  /** Kills the server that has lived for the longest, and starts another. */
  async #kill() {
    for (; this.counts.kills < this.#options.kills; this.counts.kills++) {
      await Bun.sleep(this.#options.killEvery * (0.5 + Math.random()))
      const victim = this.#living[0]!
      victim.server.signal('SIGKILL')
      victim.isKilled = true
      await victim.server.ended
      if (this.#options.endsLeases) await this.#endLease(victim)
      await this.#startServer()
    }
  }

  /** What other servers do seconds later, at once. */
  async #endLease({ id }: Life) {
    await this.#nodes.database.write(async (sql) => {
      await sql.updateTable('ledger_servers').set({ until: 0 }).where('id', '=', id).execute()
      await sweep(sql, this.#options.engine, id)
    })
  }

  /** Asks for less when it is refused, until the least is refused though nothing comes back. */
  async #client(n: number) {
    let most = MOST_TOKENS
    for (let refusals = 0; refusals < 2;) {
      const max_tokens = Math.round(LEAST_TOKENS + Math.random() ** 3 * (most - LEAST_TOKENS))
      const living = this.#living
      const outcome =
        living.length > 0 ? await ask(living[n % living.length]!, max_tokens, Math.random() < 0.3) : 'failed'
      if (outcome !== 'failed') this.counts[outcome]++
      if (outcome === 'admitted') continue
      const isFinal = outcome === 'refused' && this.#isQuiet
      if (isFinal && most === LEAST_TOKENS) refusals++
      if (isFinal) most = Math.max(LEAST_TOKENS, Math.floor(most / 4))
      // A server repeats a refusal for half a second, unless something comes back to it.
      await Bun.sleep(most === LEAST_TOKENS ? 300 : 50 + Math.random() * 100)
    }
  }

  /** Nano-dollars of each server: as the upstream counted them, as it reported, as estimated. */
  async byServer() {
    const rows = await this.#nodes.database.read
      .selectFrom('usage_days')
      .innerJoin('usage_series', 'usage_series.id', 'usage_days.series_id')
      .groupBy(['api_key_id', 'estimated'])
      .select(['api_key_id', 'estimated', ({ fn }) => fn.sum<number | string>('cost_output').as('cost')])
      .execute()
    return this.lives.map(({ key, isKilled, aborted }) => {
      const cost = (estimated: number) =>
        Number(rows.find((row) => row.api_key_id === key.id && row.estimated === estimated)?.cost ?? 0)
      return {
        isKilled,
        counted: this.upstream.counted.get(key.id) ?? 0,
        reported: cost(0),
        estimated: cost(1),
        /** A token for the event that each of these clients saw. */
        leastEstimated: aborted * NANO_PER_TOKEN,
      }
    })
  }

  async stop() {
    for (const { server } of this.lives) server.signal('SIGKILL')
    await Promise.all(this.lives.map(({ server }) => server.ended))
    await this.upstream.stop()
    await this.#nodes.stop()
    this.#home.remove()
  }
}

/** One model request; an aborted one is a stream whose client leaves after the first event. */
async function ask(life: Life, max_tokens: number, isAborted: boolean) {
  const { server, key } = life
  const controller = new AbortController()
  try {
    const answer = await fetch(`${server.url}/v1/chat/completions`, {
      method: 'POST',
      signal: controller.signal,
      headers: { authorization: `Bearer ${key.value}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'm', max_tokens, messages: [], user: key.id, stream: isAborted }),
    })
    if (!answer.ok || !isAborted) await answer.text()
    else {
      await answer.body!.getReader().read()
      controller.abort()
      life.aborted++
    }
    return answer.status === 429 ? 'refused' : answer.ok ? 'admitted' : 'failed'
  } catch {
    return 'failed'
  }
}
