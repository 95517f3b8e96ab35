/**
 * Settles batches and background responses when their result is seen: in an answer that passes, or
 * when Keyhall looks for it by itself.
 */
import type { Admission } from '../../ledger/admission.ts'
import type { DeferredRequests, DueRequest } from '../../ledger/deferred-requests.ts'
import { costOf } from '../../ledger/usage-counts.ts'
import { givenUp, outcomeOf } from './deferred-use.ts'
import type { MeterWarnings } from './meter-warnings.ts'
import type { Use } from './use.ts'

const LOOK_MILLISECONDS = 10_000
/** So many admissions are remembered, to correct their rate limits. */
const MOST_REMEMBERED = 10_000

export interface ResultWatchContext {
  requests: DeferredRequests
  warnings: MeterWarnings
  /**
   * Asks the upstream with this name; null where there is none any more. Throws when it does not
   * answer.
   */
  ask: (upstream: string, path: string) => Promise<{ status: number; body: unknown } | null>
  onError: (error: unknown) => void
}

export class ResultWatch {
  readonly #context: ResultWatchContext
  readonly #admissions = new Map<string, Admission>()
  readonly #running = new Set<Promise<unknown>>()
  #timer: ReturnType<typeof setInterval> | undefined
  #isLooking = false
  /** Results that cost more than was reserved for them. */
  boundBroken = 0
  /** Requests that were settled at the most that they could use. */
  estimated = 0

  constructor(context: ResultWatchContext) {
    this.#context = context
  }

  start() {
    this.#timer = setInterval(() => this.#run(this.look()), LOOK_MILLISECONDS)
    this.#timer.unref()
  }

  async stop() {
    clearInterval(this.#timer)
    await Promise.all(this.#running)
  }

  /**
   * Puts true numbers in the place of the estimates of its rate limits, if its result is seen here.
   */
  remember(upstream: string, result_id: string, admission: Admission) {
    if (this.#admissions.size >= MOST_REMEMBERED) this.#admissions.clear()
    this.#admissions.set(`${upstream} ${result_id}`, admission)
  }

  /** A result passed. Null where it was too long to be read: then it is looked for. */
  seen(upstream: string, result_id: string, result: object | null) {
    this.#run(this.#settleAll(upstream, result_id, result))
  }

  /** Looks for the results that it is time for. */
  async look() {
    if (this.#isLooking) return
    this.#isLooking = true
    try {
      for (;;) {
        const due = await this.#context.requests.takeDue()
        if (due.length === 0) return
        await Promise.all(due.map((row) => this.#lookFor(row)))
      }
    } finally {
      this.#isLooking = false
    }
  }

  #run(work: Promise<unknown>) {
    const running = work.catch(this.#context.onError).finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  async #settleAll(upstream: string, result_id: string, result: object | null) {
    for (const row of await this.#context.requests.find(upstream, result_id))
      if (result) await this.#settleBy(row, result)
      else await this.#lookFor({ ...row, isLate: false })
  }

  async #lookFor(row: DueRequest) {
    const { upstream, result_id, kind, isLate } = row
    const path = kind === 'batch' ? `/batches/${result_id}` : `/responses/${result_id}`
    const answer = await this.#context.ask(upstream, path).catch(() => null)
    const result = answer?.status === 200 && typeof answer.body === 'object' ? answer.body : null
    if (result && (await this.#settleBy(row, result))) return
    // It was deleted, or waited for long enough: nobody will ever know.
    if (isLate || answer?.status === 404) await this.#settle(row, givenUp(row))
  }

  /** False where the result is still to come. */
  async #settleBy(row: DueRequest | Omit<DueRequest, 'isLate'>, result: object): Promise<boolean> {
    const outcome = outcomeOf(row, result)
    if (!outcome) return false
    this.#context.warnings.impossible(row.upstream, outcome.uses[0]?.series.model ?? '', outcome.impossible)
    await this.#settle(row, outcome.uses)
    return true
  }

  async #settle(row: Omit<DueRequest, 'isLate'>, uses: readonly Use[]) {
    if (!(await this.#context.requests.settle(row, uses))) return
    this.#compare(row, uses)
    for (const { series, counts } of uses) {
      if (!series.priced) this.#context.warnings.unpriced(series.model)
      if (series.estimated) this.estimated += counts.requests ?? 0
    }
    const name = `${row.upstream} ${row.result_id}`
    const { input = 0, output = 0 } = uses[0]?.counts ?? {}
    this.#admissions.get(name)?.correct({ tokens: input + output, batch_tokens_per_day: input })
    this.#admissions.delete(name)
  }

  /** Where nothing is reserved, the most that it could cost was not known. */
  #compare({ upstream, amount }: Omit<DueRequest, 'isLate'>, uses: readonly Use[]) {
    const cost = uses.reduce((sum, { counts }) => sum + costOf(counts), 0)
    if (cost <= amount || amount === 0) return
    this.boundBroken++
    this.#context.warnings.boundBroken(upstream, uses[0]!.series.model, amount, cost)
  }
}
