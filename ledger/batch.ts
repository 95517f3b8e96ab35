/** What a server reports in its next exchange, collected since the last one. */
import type { KeyedWindow, Sources } from './accounts.ts'
import type { Admission } from './admission.ts'
import type { Ask } from './ask.ts'
import { budgetName, type Budget } from './budget.ts'
import type { Batch, Need } from './exchange-types.ts'
import type { Lease } from './lease.ts'
import type { PendingUsage } from './pending-usage.ts'
import { monthOf } from './usage-counts.ts'
import type { RateWindow } from './window.ts'

/** A request that is admitted. */
export interface Arrival extends Pick<Waiter, 'ask' | 'at'> {
  /** Now, by the steady clock; `at` is when it arrived. */
  steady: number
}

/** A request that waits to be admitted. */
export interface Waiter {
  ask: Ask
  /** Milliseconds since 1970, when it arrived. */
  at: number
  windows: Sources['windows']
  budgets: Sources['budgets']
  /** When it arrived, by the steady clock. */
  since: number
  resolve: (admission: Admission) => void
  reject: (error: unknown) => void
}

/** An exchange as it was sent. */
export interface Sent {
  batch: Batch
  /** Whether it also adds this server, under a new name. */
  isNew: boolean
  windows: RateWindow[]
  budgets: Budget[]
  /** By these a limit that changes meanwhile is noticed. */
  versions: { windows: number[]; budgets: number[] }
  /** The first `onTime` of them were there when it was composed; the others joined it later. */
  waiters: Waiter[]
  onTime: number
  /** All that were ever asked for in it: it may have happened with them. */
  asked: Need[]
}

interface Due {
  windows: KeyedWindow[]
  budgets: Budget[]
  waiters: Waiter[]
  /** The windows and budgets that requests wait for. */
  awaited: ReadonlySet<RateWindow | Budget>
}

/**
 * Takes what is pending, so that it is reported once. `grant` is the number of the grants of this
 * exchange.
 */
export function batchOf(lease: Lease, grant: number, due: Due, pending: PendingUsage): Batch {
  const { windows, budgets, waiters, awaited } = due
  return {
    server_id: lease.server_id,
    seq: lease.seq,
    grant,
    windows: windows.map(({ window, key }) => ({
      key,
      span: window.span,
      limit: window.limit,
      report: window.report(awaited.has(window)),
    })),
    budgets: budgets.map((budget) => ({
      key: budget.key,
      limit: budget.limit,
      told: budget.told,
      report: budget.report(awaited.has(budget)),
    })),
    ...pending.take(),
    // Last: what runs by the report that was just taken.
    needs: waiters.map((waiter) => needOf(waiter, pending)),
  }
}

export const needOf = ({ ask, at, windows, budgets }: Waiter, pending: PendingUsage): Need => ({
  windows: windows.map(({ key }, n) => ({ name: key, units: ask.windows[n]!.units })),
  // What costs nothing is not refused for money.
  budgets: ask.bound === 0 ? [] : budgets.map(({ key }) => ({ name: budgetName(key), amount: ask.bound })),
  running: pending.told(ask.series, monthOf(at)),
  bound: ask.bound,
})
