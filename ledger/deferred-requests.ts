/**
 * Batches and background responses whose result was not seen yet: found by the id that their
 * upstream gave them, settled once, and looked for by one server at a time.
 */
import { sql as raw } from 'kysely'
import { databaseNow } from '../database/clock.ts'
import type { DeferredRequestRow } from '../database/ledger-tables.ts'
import type { Database } from '../database/types.ts'
import { settleDeferred } from './deferred-rows.ts'
import type { Ledger } from './ledger.ts'
import type { Counts, Series } from './usage-counts.ts'

/**
 * The time between two requests for one result. For a response it doubles each time, up to a bound.
 */
const LOOK_MILLISECONDS = 60_000
const MOST_LOOK_MILLISECONDS = 3_600_000
/** How many results are asked for together. */
const PAGE = 50

/** `isLate`: Keyhall has waited long enough for it. */
export type DueRequest = DeferredRequestRow & { isLate: boolean }

export class DeferredRequests {
  readonly #database: Database
  readonly #ledger: Ledger

  constructor(database: Database, ledger: Ledger) {
    this.#database = database
    this.#ledger = ledger
  }

  /** The requests that wait for this result: usually one, or none. */
  async find(upstream: string, result_id: string): Promise<DeferredRequestRow[]> {
    // The row of a request that was made a moment ago may not be written yet.
    if (this.#ledger.defers(result_id)) await this.#ledger.flush()
    return this.#database.read
      .selectFrom('deferred_requests')
      .selectAll()
      .where('upstream', '=', upstream)
      .where('result_id', '=', result_id)
      .execute()
  }

  /** False when it was settled before. */
  settle(row: DeferredRequestRow, uses: readonly { series: Series; counts: Counts }[]): Promise<boolean> {
    return this.#database.write((sql) => settleDeferred(sql, this.#database.engine, row, uses))
  }

  /** Takes requests whose result is due now. No other server takes them before the next time. */
  async takeDue(): Promise<DueRequest[]> {
    const now = databaseNow(this.#database.engine)
    const due = await this.#database.read
      .selectFrom('deferred_requests')
      .select('id')
      .where('look_at', '<=', now)
      .orderBy('look_at')
      .limit(PAGE)
      .execute()
    if (due.length === 0) return []
    const next = raw<number>`case when kind = 'batch' then ${now} + ${LOOK_MILLISECONDS}
      when ${now} - admitted_at > ${MOST_LOOK_MILLISECONDS} then ${now} + ${MOST_LOOK_MILLISECONDS}
      when ${now} - admitted_at > ${LOOK_MILLISECONDS} then ${now} + ${now} - admitted_at
      else ${now} + ${LOOK_MILLISECONDS} end`
    const taken = await this.#database.write((sql) =>
      sql
        .updateTable('deferred_requests')
        .set({ look_at: next })
        .where(
          'id',
          'in',
          due.map(({ id }) => id),
        )
        .where('look_at', '<=', now)
        .returningAll()
        .returning(raw<number>`case when give_up_at <= ${now} then 1 else 0 end`.as('late'))
        .execute(),
    )
    return taken.map(({ late, ...row }) => ({ ...row, isLate: late === 1 }))
  }
}
