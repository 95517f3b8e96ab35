/**
 * A request that was admitted: it ends once, settled with what it used, or released because nothing
 * was done for it.
 */
import type { Sources } from './accounts.ts'
import type { Ask, Metric } from './ask.ts'
import type { NewDeferred } from './exchange-types.ts'
import type { Counts, Series } from './usage-counts.ts'
import type { RateWindow, Taken } from './window.ts'

/** What must be stored of a request whose result comes later; see `DeferredRequestRow`. */
export type Deferral = Pick<NewDeferred, 'kind' | 'upstream' | 'result_id' | 'metered' | 'patience_milliseconds'>

/** Where admissions are written down. */
export interface Books {
  /** Called once; with counts where it is known what was used. */
  end: (admission: Admission, counts: Counts | null, series: Series, deferral?: Deferral) => void
  note: (admission: Admission, series: Series, counts: Counts) => void
}

/** What a request asked for, and what was taken for it. */
export interface Admitted {
  ask: Ask
  /** Milliseconds since 1970: usage and money belong to this moment's minute and month. */
  at: number
  month: string
  sources: Sources
  /** Of each window. */
  taken: readonly Taken[]
  /** How often others had taken this server for dead. */
  life: number
  /** How many reports were sent before. */
  begun: number
}

export class Admission {
  readonly ask: Ask
  readonly at: number
  readonly month: string
  readonly windows: readonly RateWindow[]
  readonly budgets: Sources['budgets']
  readonly life: number
  readonly begun: number
  /** The versions of the budgets: what is not used is only given back to the same. */
  readonly versionOfOrganization: number
  readonly versionOfProject: number
  readonly #taken: readonly Taken[]
  readonly #books: Books
  #isOver = false

  constructor({ ask, at, month, sources, taken, life, begun }: Admitted, books: Books) {
    const { windows, budgets } = sources
    this.ask = ask
    this.at = at
    this.month = month
    this.windows = windows
    this.budgets = budgets
    this.life = life
    this.begun = begun
    this.versionOfOrganization = budgets[0].version
    this.versionOfProject = budgets[1].version
    this.#taken = taken
    this.#books = books
  }

  /**
   * Ends the request with what it really used; `units` replace the estimates in its rate limits.
   * Only the first call of `settle` and `release` counts.
   */
  settle(
    counts: Counts,
    { units = {}, series = this.ask.series }: { units?: Partial<Record<Metric, number>>; series?: Series } = {},
  ) {
    if (this.#isOver) return
    this.correct(units)
    this.#end(counts, series)
  }

  /** Replaces the estimates in its rate limits by the true numbers. */
  correct(units: Partial<Record<Metric, number>>) {
    const taken = this.#taken
    for (let n = 0; n < taken.length; n++) {
      const used = units[this.ask.windows[n]!.metric]
      if (used !== undefined) this.windows[n]!.correct(taken[n]!, used)
    }
  }

  /** Also counts something that costs nothing here, such as the calls of a tool. */
  note(series: Series, counts: Counts) {
    this.#books.note(this, series, counts)
  }

  /**
   * Ends the request without counting usage, because it is not known; the rate limits keep what was
   * taken from them.
   */
  end() {
    this.#end(null)
  }

  /**
   * Ends the request here, because its result comes later. What it may cost stays reserved, also
   * when this server ends.
   */
  defer(deferral: Deferral) {
    this.#end(null, this.ask.series, deferral)
  }

  /**
   * Ends a request that reached no upstream, or was refused there without a cost: all of it is
   * given back.
   */
  release() {
    if (this.#isOver) return
    const taken = this.#taken
    for (let n = 0; n < taken.length; n++) this.windows[n]!.correct(taken[n]!, 0)
    this.#end(null)
  }

  #end(counts: Counts | null, series = this.ask.series, deferral?: Deferral) {
    if (this.#isOver) return
    this.#isOver = true
    for (const window of this.windows) window.requestEnded(deferral?.kind === 'batch')
    this.#books.end(this, counts, series, deferral)
  }
}
