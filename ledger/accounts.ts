/** The rate windows and budgets that this server uses, found by what a request asks for. */
import type { Invalidation } from '../revocation/invalidation.ts'
import type { Ask, WindowAsk } from './ask.ts'
import { Budget, budgetName, type BudgetKey } from './budget.ts'
import { windowName, type WindowKey } from './exchange-types.ts'
import type { DatabaseClock } from './lease.ts'
import { monthOf, type Series } from './usage-counts.ts'
import type { ExpectedLimits, ExpectedWindow, Owner } from './expected-windows.ts'
import { mayExpect } from './window-state.ts'
import { RateWindow } from './window.ts'

/** After this time a window that nobody uses is removed from memory; the database keeps it. */
const IDLE_MILLISECONDS = 120_000

/**
 * A server that is alone keeps a grant of each window so that the next request need not wait: a
 * large one for an hour after the last request, and a little one for a week. With more windows than
 * that it keeps no little one, and where so many were used in the last hour, a large one for a
 * minute only.
 */
export const STANDS_FOR = { half: 3_600_000, little: 7 * 86_400_000 }
export const MOST_STANDING = 500
const STANDS_FOR_AN_HOUR = { half: STANDS_FOR.half, little: 0 }
const STANDS_SHORTLY = { half: 60_000, little: 0 }
const STANDS_NOT = { half: 0, little: 0 }

export interface KeyedWindow {
  key: WindowKey
  window: RateWindow
}

/** The windows and budgets that a request takes from, in the order of its ask. */
export interface Sources {
  windows: readonly RateWindow[]
  /** Of the organization, and of the project. */
  budgets: readonly [Budget, Budget]
}

interface Found extends Sources {
  ask: Ask
  month: string
  removals: number
}

/**
 * Whether a change concerns a project, or the organization that it is in; its own budget has an
 * empty project.
 */
type Concerns = (key: { organization_id: string; project_id: string }) => boolean

export function concernedBy(change: Invalidation | null): Concerns {
  if (change === null) return () => true
  if (change.scope !== 'organization' && change.scope !== 'project') return () => false
  const { organization_id } = change
  const project_id = change.scope === 'project' ? change.id : null
  return (key) =>
    key.organization_id === organization_id &&
    (project_id === null || key.project_id === project_id || key.project_id === '')
}

export const mayChangeLimits = (change: Invalidation | null): boolean =>
  change === null || change.scope === 'organization' || change.scope === 'project'

export class Accounts {
  readonly #clock: DatabaseClock
  readonly #windows = new Map<string, KeyedWindow>()
  readonly #budgets = new Map<string, Budget>()
  /** What was found for the last request of a series: mostly it is the same for the next one. */
  readonly #found = new WeakMap<Series, Found>()
  /** How often a window or a budget was removed from memory: what was found before is outdated. */
  #removals = 0
  /** Whether no other server lives, as far as this one knows. */
  isAlone = false
  #isLeaving = false

  constructor(clock: DatabaseClock) {
    this.#clock = clock
  }

  /**
   * The windows and budgets of a request that arrived at `now` (milliseconds since 1970), under the
   * limits that it names.
   */
  sourcesOf(ask: Ask, now: number): Sources {
    const month = monthOf(now)
    let found = this.#found.get(ask.series)
    if (!found || found.month !== month || found.removals !== this.#removals || !areAlike(found.ask, ask)) {
      found = { ask, month, removals: this.#removals, ...this.#find(ask, month) }
      this.#found.set(ask.series, found)
    }
    const { windows, budgets } = found
    for (let n = 0; n < windows.length; n++) {
      const { limit } = ask.windows[n]!
      if (windows[n]!.limit !== limit) windows[n]!.change(limit)
    }
    if (takesNoMoney(ask)) return found
    const { organization, project } = ask.limits
    if (budgets[0].limit !== organization) budgets[0].change(organization)
    if (budgets[1].limit !== project) budgets[1].change(project)
    return found
  }

  #find(ask: Ask, month: string): Sources {
    return { windows: ask.windows.map((one) => this.#window(ask, one)), budgets: this.#budgetsOf(ask, month) }
  }

  #budgetsOf({ organization_id, project_id }: Owner, month: string): Sources['budgets'] {
    return [
      this.#budget({ organization_id, project_id: '', month }),
      this.#budget({ organization_id, project_id, month }),
    ]
  }

  #window({ organization_id, project_id }: Ask, { limit_key, metric, span, limit }: WindowAsk): RateWindow {
    const key = { organization_id, project_id, limit_key, metric }
    const name = windowName(key)
    let found = this.#windows.get(name)
    if (!found) this.#windows.set(name, (found = { key, window: new RateWindow(name, span, limit, this.#clock) }))
    return found.window
  }

  /** Adds windows that were used before this server started; it asks for some of each. */
  addPast(windows: readonly ExpectedWindow[]) {
    for (const one of windows) if (!this.#windows.has(windowName(one.key))) this.#expect(one)
  }

  /**
   * The limits of these windows are known: it asks for some of each, though no request came under
   * them yet. Limits beyond half of the number that it keeps grants of are left out.
   */
  expect(found: readonly ExpectedLimits[]) {
    const byProject = new Map(found.map((one) => [projectName(one), one]))
    for (const { key, window } of this.#windows.values()) {
      const limits = byProject.get(projectName(key))?.of(key.limit_key)
      const now = limits?.find((one) => one.key.metric === key.metric)
      if (now && now.limit !== window.limit) window.change(now.limit)
    }
    for (const limits of found)
      for (const one of limits.all()) {
        if (this.#windows.size >= MOST_STANDING / 2) return
        if (!mayExpect(one.span, one.limit, one.largest)) continue
        if (!this.#windows.has(windowName(one.key))) this.#expect(one)
      }
  }

  #expect(expected: ExpectedWindow) {
    const { key, span, limit } = expected
    const name = windowName(key)
    this.#windows.set(name, { key, window: new RateWindow(name, span, limit, this.#clock, expected) })
  }

  /** The projects of all windows. */
  get owners(): Owner[] {
    return [...new Map([...this.#windows.values()].map(({ key }) => [projectName(key), key])).values()]
  }

  #budget(key: BudgetKey): Budget {
    const name = budgetName(key)
    let budget = this.#budgets.get(name)
    if (!budget) this.#budgets.set(name, (budget = new Budget(key)))
    return budget
  }

  /** Stops using what was granted under the limits of these. */
  dropFree(isConcerned: Concerns) {
    for (const { window, key } of this.#windows.values()) if (isConcerned(key)) window.dropFree()
    for (const budget of this.#budgets.values()) if (isConcerned(budget.key)) budget.dropFree()
  }

  /** Called when this server stops: the next two exchanges give everything back. */
  leave() {
    this.dropFree(() => true)
    this.#isLeaving = true
    for (const { window } of this.#windows.values()) window.isLeaving = true
  }

  /** Whether this server holds grants for long, which other servers may need. */
  get holdStanding() {
    return [...this.#windows.values()].some(({ window }) => window.holdsStanding)
  }

  /** Uses no grants of now any more: the steady clock may have stopped while they expired. */
  dropGrants() {
    for (const { window } of this.#windows.values()) window.dropGrants()
  }

  #standsFor() {
    if (!this.isAlone || this.#isLeaving) return STANDS_NOT
    if (this.#windows.size <= MOST_STANDING) return STANDS_FOR
    let used = 0
    for (const { window } of this.#windows.values()) if (window.isUsedWithin(STANDS_FOR.half)) used++
    return used > MOST_STANDING ? STANDS_SHORTLY : STANDS_FOR_AN_HOUR
  }

  /** Counts what a request cost for which nothing was held. */
  addCost(of: Owner, month: string, cost: number) {
    for (const budget of this.#budgetsOf(of, month)) budget.settle(0, cost, budget.version)
  }

  /** Hands over what a request may cost whose result comes later, for which nothing was held. */
  addDeferred(of: Owner, month: string, amount: number) {
    for (const budget of this.#budgetsOf(of, month)) budget.handOver(amount)
  }

  /** The database has settled what this server held. */
  forgetHoldings() {
    for (const { window } of this.#windows.values()) window.dropFree()
    for (const budget of this.#budgets.values()) budget.forget()
  }

  /** Whether this server holds nothing, as far as the database knows. */
  get holdNothing() {
    return [...this.#budgets.values()].every(({ told }) => told.in_flight === 0 && told.free === 0)
  }

  /**
   * The windows and budgets that have something to report, or that a request waits for. Idle ones
   * are removed from memory.
   */
  due(awaited: ReadonlySet<RateWindow | Budget>): { windows: KeyedWindow[]; budgets: Budget[] } {
    const before = this.#windows.size + this.#budgets.size
    const standsFor = this.#standsFor()
    for (const { window } of this.#windows.values()) window.standsFor = standsFor
    for (const [name, { window }] of this.#windows)
      if (window.isIdleFor(IDLE_MILLISECONDS) && !awaited.has(window)) this.#windows.delete(name)
    for (const [name, budget] of this.#budgets) if (budget.isIdle && !awaited.has(budget)) this.#budgets.delete(name)
    if (this.#windows.size + this.#budgets.size < before) this.#removals++
    return {
      windows: [...this.#windows.values()].filter(({ window }) => window.isActive || awaited.has(window)),
      budgets: [...this.#budgets.values()].filter((budget) => budget.isActive || awaited.has(budget)),
    }
  }
}

const projectName = ({ organization_id, project_id }: Owner) => `${organization_id} ${project_id}`

/** Such as one of `/verify`: it says nothing of the limits of others. */
const takesNoMoney = ({ bound, limits }: Ask) => bound === 0 && limits.organization === null && limits.project === null

/**
 * Whether these have the limits that the request names: others may have named different ones since.
 */
export const isUnder = (ask: Ask, { windows, budgets: [organization, project] }: Sources) =>
  windows.every(({ limit }, n) => limit === ask.windows[n]!.limit) &&
  (takesNoMoney(ask) || (organization.limit === ask.limits.organization && project.limit === ask.limits.project))

/**
 * Whether two requests take from the same windows and budgets; their limits and units may differ.
 */
function areAlike(one: Ask, other: Ask): boolean {
  if (one.organization_id !== other.organization_id || one.project_id !== other.project_id) return false
  if (one.windows.length !== other.windows.length) return false
  for (let n = 0; n < one.windows.length; n++) {
    const window = one.windows[n]!
    if (window === other.windows[n]) continue
    const { metric, limit_key } = window
    if (metric !== other.windows[n]!.metric || limit_key !== other.windows[n]!.limit_key) return false
  }
  return true
}
