/**
 * Any order of what can happen to requests, servers, limits and months, against a note of what was
 * used in truth.
 */
import { expect, test } from 'bun:test'
import * as fc from 'fast-check'
import type { Admission } from '../../ledger/admission.ts'
import { LedgerUnavailable, LimitsChanged, SpendLimited } from '../../ledger/refusals.ts'
import { monthAfter, monthOf } from '../../ledger/usage-counts.ts'
import { runs } from '../runs.ts'
import { engines, START_MILLISECONDS } from '../setup.ts'
import { series } from './asks.ts'
import { Servers, type Server } from './servers.ts'

const PROJECTS = ['p0', 'p1']

/** Small ones are admitted from memory, large ones by an exchange. */
const bounds = fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 4_000 }))
const only = <Name extends string>(...names: Name[]) => fc.record({ do: fc.constantFrom(...names) })

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({ do: fc.constant('admit'), bounds: fc.array(bounds, { minLength: 1, maxLength: 12 }) }),
  },
  // An upstream that breaks its bound uses more than was reserved.
  {
    weight: 7,
    arbitrary: fc.record({ do: fc.constant('settle'), part: fc.double({ min: 0, max: 1.1, noNaN: true }) }),
  },
  { weight: 2, arbitrary: only('release', 'end') },
  { weight: 7, arbitrary: fc.record({ do: fc.constant('wait'), time: fc.integer({ min: 1, max: 1_500 }) }) },
  { weight: 2, arbitrary: only('die', 'stall', 'wake', 'sleep') },
  { weight: 2, arbitrary: only('is lost', 'loses its answer', 'comes late') },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('limit'), limit: fc.integer({ min: 0, max: 30_000 }) }) },
)
/** `n` chooses a server, a running request and a project. */
const history = fc.array(fc.tuple(fc.nat(), step), { minLength: 20, maxLength: 60 })
/** Histories that failed once; each begins so many milliseconds before the turn of a month. */
const examples: [number, [number, Step][]][] = [
  // What breaks its bound on a server that is taken for dead is settled at the bound.
  [
    0,
    [
      [0, { do: 'admit', bounds: [11] }],
      [0, { do: 'sleep' }],
      [0, { do: 'settle', part: 1.1 }],
    ],
  ],
]

interface Step {
  do: string
  bounds?: number[]
  part?: number
  time?: number
  limit?: number
}

interface Request {
  server: Server
  project_id: string
  month: string
  bound: number
  admission: Admission
  /** What it used; null while it runs. */
  cost: number | null
  isCounted: boolean
}

class History {
  readonly #servers: Servers
  readonly #organization_id: string
  readonly #limits: Record<string, number>
  readonly #requests: Request[] = []
  /**
   * What may be passed, by budget and month: amounts that were used when a limit was lowered, or
   * beyond a bound.
   */
  readonly #excused = new Map<string, number>()
  #broken = 0
  /** Requests that got no answer: the exchange that admitted them may have happened. */
  #unanswered = 0
  #isExact = true

  constructor(servers: Servers, organization_id: string) {
    this.#servers = servers
    this.#organization_id = organization_id
    this.#limits = { '': 35_000, p0: 20_000, p1: 20_000 }
  }

  async run(steps: readonly (readonly [number, Step])[]) {
    for (const [n, one] of steps) {
      await this.#step(n, one)
      await this.#check()
    }
    await this.#finish()
  }

  async #step(n: number, one: Step) {
    const { living } = this.#servers
    const server = living[n % living.length]!
    const running = this.#requests.filter(
      ({ cost, server: { isStalled, isDead } }) => cost === null && !isStalled && !isDead,
    )
    const request = running[n % Math.max(1, running.length)]
    const project_id = PROJECTS[n % 2]!
    if (one.do === 'wait') await this.#servers.advance(one.time!)
    else if (one.do === 'admit' && !server.isStalled) await this.#admitAll(server, n, one.bounds!)
    else if (one.do === 'settle' && request) this.#settle(request, Math.floor(request.bound * one.part!))
    else if ((one.do === 'release' || one.do === 'end') && request) {
      request.cost = 0
      request.admission[one.do as 'release' | 'end']()
    } else if (one.do === 'limit') this.#change(project_id, one.limit!)
    else if (one.do === 'die') {
      this.#isExact = false
      server.die()
      await this.#servers.start()
    } else if (one.do === 'stall') {
      this.#isExact = false
      server.stall()
      if (living.every(({ isStalled }) => isStalled)) await this.#servers.start()
    } else if (one.do === 'sleep') {
      this.#isExact = false
      server.stall()
      await this.#servers.advance(9_000)
      server.wake()
    } else if (one.do === 'wake') server.wake()
    else if (['is lost', 'loses its answer', 'comes late'].includes(one.do)) server.next = one.do as Server['next']
  }

  /** Side by side, on all servers that do not stall. */
  async #admitAll(first: Server, n: number, bounds: readonly number[]) {
    const servers = [first, ...this.#servers.living.filter((one) => !one.isStalled && one !== first)]
    await Promise.all(
      bounds.map((bound, at) => this.#admit(servers[at % servers.length]!, PROJECTS[(n + at) % 2]!, bound)),
    )
  }

  async #admit(server: Server, project_id: string, bound: number) {
    const month = monthOf(this.#servers.now)
    try {
      const admission = await server.admit({ ...this.#ask(project_id), bound })
      this.#requests.push({ server, project_id, month, bound, admission, cost: null, isCounted: false })
    } catch (error) {
      const isExpected = [SpendLimited, LedgerUnavailable, LimitsChanged].some((kind) => error instanceof kind)
      if (!isExpected) throw error
      if (error instanceof LedgerUnavailable) this.#unanswered++
    }
  }

  #ask(project_id: string) {
    const organization_id = this.#organization_id
    return {
      organization_id,
      project_id,
      limits: { organization: this.#limits['']!, project: this.#limits[project_id]! },
      series: { ...series, organization_id, project_id },
    }
  }

  #settle(request: Request, cost: number) {
    request.cost = cost
    request.isCounted = true
    this.#broken += Math.max(0, cost - request.bound)
    request.admission.settle({ requests: 1, cost_output: cost })
  }

  #change(project_id: string, limit: number) {
    for (const month of this.#months) {
      const before = this.#most(project_id, month)
      if (limit < before) this.#excused.set(`${project_id} ${month}`, before)
    }
    this.#limits[project_id] = limit
    for (const { ledger } of this.#servers.living)
      ledger.forget({ organization_id: this.#organization_id, scope: 'project', id: project_id })
  }

  get #months() {
    return new Set([...this.#requests.map(({ month }) => month), monthOf(this.#servers.now)])
  }

  /** What may be spent in a month, or could be before the limit was lowered. */
  #most(project_id: string, month: string) {
    return Math.max(this.#limits[project_id]!, this.#excused.get(`${project_id} ${month}`) ?? 0)
  }

  /** What was used, and may be used by what runs: a dead server's requests count whole. */
  #truth(project_id: string, month: string) {
    return this.#requests
      .filter((one) => one.month === month && (project_id === '' || one.project_id === project_id))
      .reduce((sum, { cost, bound }) => sum + (cost ?? bound), 0)
  }

  async #check() {
    for (const month of this.#months) {
      expect(await this.#servers.wrong({}, month)).toEqual([])
      for (const check of await this.#own(month)) {
        const { project_id, settled, reserved, burned } = check
        const limit = this.#most(project_id, month) + this.#broken
        expect(settled + reserved + burned).toBeLessThanOrEqual(limit)
        expect(this.#truth(project_id, month)).toBeLessThanOrEqual(limit)
      }
    }
  }

  async #own(month: string) {
    return (await this.#servers.budgets(month)).filter((one) => one.organization_id === this.#organization_id)
  }

  /** All ends, and what is left of each limit can be used to the last unit. */
  async #finish() {
    for (const server of this.#servers.living) server.wake()
    for (const request of this.#requests)
      if (request.cost === null && !request.server.isDead) this.#settle(request, Math.floor(request.bound / 2))
    await this.#servers.advance(15_000)
    await this.#check()
    for (const month of this.#months)
      for (const { project_id, settled, reserved, burned } of await this.#own(month)) {
        expect(reserved).toBe(0)
        if (this.#isExact) expect({ settled, burned }).toEqual({ settled: this.#truth(project_id, month), burned: 0 })
        else expect(settled + burned).toBeGreaterThanOrEqual(this.#used(project_id, month))
      }
    await this.#countRequests()
    for (const server of this.#servers.living) server.next = 'happens'
    await this.#useTheRest()
  }

  /** What must be counted: where a server is taken for dead, no request counts beyond its bound. */
  #used(project_id: string, month: string) {
    return this.#requests
      .filter((one) => one.month === month && (project_id === '' || one.project_id === project_id))
      .reduce((sum, { cost, bound }) => sum + Math.min(cost ?? 0, bound), 0)
  }

  async #countRequests() {
    const { requests } = await this.#servers.database.read
      .selectFrom('usage_minutes')
      .innerJoin('usage_series', 'usage_series.id', 'usage_minutes.series_id')
      .where('organization_id', '=', this.#organization_id)
      .select(({ fn }) => fn.sum<string | number | null>('requests').as('requests'))
      .executeTakeFirstOrThrow()
    const counted = this.#requests.filter(({ isCounted }) => isCounted).length
    if (this.#isExact) expect(Number(requests)).toBe(counted)
    else expect(Number(requests)).toBeLessThanOrEqual(this.#requests.length + this.#unanswered)
  }

  async #useTheRest() {
    const [server] = this.#servers.living
    const own = await this.#own(monthOf(this.#servers.now))
    const left = (id: string) => {
      const { settled = 0, burned = 0 } = own.find(({ project_id }) => project_id === id) ?? {}
      return this.#limits[id]! - settled - burned
    }
    const bound = Math.min(left('p0'), left(''))
    if (bound < 0) return
    expect(await server!.use({ ...this.#ask('p0'), bound: bound + 1 })).toBeInstanceOf(SpendLimited)
    await this.#servers.advance(1_000)
    expect(await server!.use({ ...this.#ask('p0'), bound })).toBeNull()
  }
}

for (const engine of engines)
  test(
    `whatever happens in whatever order, no limit is passed, nothing is lost or counted twice, and all sums agree (${engine})`,
    async () => {
      const servers = await Servers.open(engine)
      let histories = 0
      const property = fc.asyncProperty(fc.nat(30_000), history, async (beforeTheTurn, steps) => {
        await servers.stopAll()
        // A dead server of the history before is settled in this one, in another organization.
        servers.now = monthAfter(servers.now) - beforeTheTurn
        for (let n = 0; n < 2; n++) await servers.start()
        await new History(servers, `org${++histories}`).run(steps)
      })
      try {
        await fc.assert(property, { ...runs(engine === 'sqlite' ? 3 : 1), examples })
      } finally {
        await servers.stop()
      }
    },
    START_MILLISECONDS * 10,
  )
