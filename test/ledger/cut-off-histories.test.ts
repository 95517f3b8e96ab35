/**
 * Servers that are cut off and come back in any order, with requests that no limit applies to, some
 * of which get their result later: each request is counted once.
 */
import { expect, test } from 'bun:test'
import * as fc from 'fast-check'
import type { Admission } from '../../ledger/admission.ts'
import { DeferredRequests } from '../../ledger/deferred-requests.ts'
import { runs } from '../runs.ts'
import { engines, START_MILLISECONDS } from '../setup.ts'
import { series } from './asks.ts'
import { Servers, type Server } from './servers.ts'

const BOUND = 100
const COST = 30

const only = <Name extends string>(...names: Name[]) => fc.record({ do: fc.constantFrom(...names) })
const step = fc.oneof(
  { weight: 8, arbitrary: only('admit') },
  { weight: 8, arbitrary: only('settle', 'defer', 'defer', 'see a result') },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('wait'), time: fc.integer({ min: 1, max: 1_500 }) }) },
  { weight: 2, arbitrary: only('stall', 'wake', 'be swept') },
  { weight: 2, arbitrary: only('is lost', 'loses its answer', 'comes late') },
)
/** The number chooses a server, a request and a result. */
const history = fc.array(fc.tuple(fc.nat(), step), { minLength: 10, maxLength: 60 })

class History {
  readonly #servers: Servers
  readonly #project_id: string
  readonly #running: { server: Server; admission: Admission }[] = []
  #admitted = 0

  constructor(servers: Servers, project_id: string) {
    this.#servers = servers
    this.#project_id = project_id
  }

  async run(steps: readonly (readonly [number, { do: string; time?: number }])[]) {
    for (const [n, one] of steps) await this.#step(n, one)
    for (const server of this.#servers.living) server.wake()
    while (this.#running.length > 0) this.#end(0, 'settle')
    await this.#servers.advance(15_000)
    while (await this.#seeResult(0));
    expect(await this.#servers.wrong()).toEqual([])
    const budget = (await this.#servers.budgets()).find(({ project_id }) => project_id === this.#project_id)
    const { settled = 0, reserved = 0 } = budget ?? {}
    expect(reserved).toBe(0)
    // What was settled without its server is settled at its bound.
    const { all, atBound } = await this.#counted()
    expect(all).toBe(this.#admitted)
    expect(settled).toBe(all * COST + atBound * (BOUND - COST))
  }

  async #step(n: number, one: { do: string; time?: number }) {
    const { living } = this.#servers
    const server = living[n % living.length]!
    if (one.do === 'admit') await this.#admit(server)
    else if (one.do === 'settle' || one.do === 'defer') this.#end(n, one.do)
    else if (one.do === 'see a result') await this.#seeResult(n)
    else if (one.do === 'wait') await this.#servers.advance(one.time!)
    else if (one.do === 'stall') server.stall()
    else if (one.do === 'wake') server.wake()
    else if (one.do === 'be swept') {
      server.stall()
      await this.#servers.advance(9_000)
      server.wake()
    } else server.next = one.do as Server['next']
  }

  async #admit(server: Server) {
    const project_id = this.#project_id
    const admission = await server.admit({ project_id, bound: BOUND, series: { ...series, project_id } })
    this.#running.push({ server, admission })
    this.#admitted++
  }

  #end(n: number, how: 'settle' | 'defer') {
    const [request] = this.#running.splice(n % Math.max(1, this.#running.length), 1)
    if (!request) return
    if (how === 'settle') return request.admission.settle({ requests: 1, cost_output: COST })
    const later = { kind: 'batch', upstream: 'one', metered: '{}', patience_milliseconds: 3_600_000 } as const
    request.admission.defer({ ...later, result_id: `${this.#admitted} ${this.#running.length} ${n}` })
  }

  /** Whether there was a request that waits for its result. */
  async #seeResult(n: number): Promise<boolean> {
    const { database } = this.#servers
    const query = database.read.selectFrom('deferred_requests').selectAll().where('project_id', '=', this.#project_id)
    const rows = await query.orderBy('id').execute()
    const row = rows[n % Math.max(1, rows.length)]
    if (!row) return false
    const uses = [{ series: { ...series, project_id: row.project_id }, counts: { requests: 1, cost_output: COST } }]
    return await new DeferredRequests(database, this.#servers.living[0]!.ledger).settle(row, uses)
  }

  async #counted() {
    const rows = await this.#servers.database.read
      .selectFrom('usage_minutes')
      .innerJoin('usage_series', 'usage_series.id', 'usage_minutes.series_id')
      .where('project_id', '=', this.#project_id)
      .select(['requests', 'estimated'])
      .execute()
    const sum = (some: typeof rows) => some.reduce((sum, { requests }) => sum + Number(requests), 0)
    return { all: sum(rows), atBound: sum(rows.filter(({ estimated }) => estimated === 1)) }
  }
}

for (const engine of engines)
  test(
    `however servers are cut off and come back, each request without a limit is counted once (${engine})`,
    async () => {
      const servers = await Servers.open(engine)
      let histories = 0
      const property = fc.asyncProperty(history, async (steps) => {
        await servers.stopAll()
        for (let n = 0; n < 2; n++) await servers.start()
        await new History(servers, `p${++histories}`).run(steps)
      })
      try {
        await fc.assert(property, runs(engine === 'sqlite' ? 5 : 2))
      } finally {
        await servers.stop()
      }
    },
    START_MILLISECONDS * 10,
  )
