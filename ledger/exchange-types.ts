/** What a server sends in an exchange, and what it gets back. */
import type { DeferredRequestRow } from '../database/ledger-tables.ts'
import type { BudgetKey, BudgetReport } from './budget.ts'
import type { InFlightRow, Told, UsageRow } from './usage-counts.ts'
import type { Given, Span, Wish, WindowReport } from './window-state.ts'

export interface WindowKey {
  organization_id: string
  project_id: string
  limit_key: string
  metric: string
}

export const windowName = ({ organization_id, project_id, limit_key, metric }: WindowKey) =>
  `${organization_id} ${project_id} ${limit_key} ${metric}`

/**
 * What a request that waits needs: units of windows and money of budgets. It gets all of it or
 * nothing.
 */
export interface Need {
  windows: readonly { name: string; units: number }[]
  budgets: readonly { name: string; amount: number }[]
  /** What runs of its series without it, as this exchange reports it. */
  running: InFlightRow
  bound: number
}

/** A request whose result comes later. The times are set by the database. */
export type NewDeferred = Omit<DeferredRequestRow, 'look_at' | 'give_up_at'> & {
  /** How long to wait for the result. */
  patience_milliseconds: number
  /** What the database knew of the request when its server handed it over. */
  told: Told
}

export interface Batch {
  server_id: string
  /** The number of the last exchange that this server knows to have happened. */
  seq: number
  /** The number of the grants of this exchange. */
  grant: number
  windows: readonly { key: WindowKey; span: Span; limit: number; report: WindowReport & Wish }[]
  budgets: readonly {
    key: BudgetKey
    limit: number | null
    report: BudgetReport
    told: { in_flight: number; free: number }
  }[]
  usage: readonly UsageRow[]
  inFlight: readonly InFlightRow[]
  deferred: readonly NewDeferred[]
  needs: Need[]
}

/** `again`: other servers hold what is missing, and may give it back. */
export type Decision = { kind: 'admitted' } | RateRefusal | { kind: 'spend'; again: boolean; name: string }

export interface RateRefusal {
  kind: 'rate'
  again: boolean
  /** The window that will be the last to have room. */
  name: string
  used: number
  retry_milliseconds: number | null
}

export interface Outcome {
  /** The database's clock during the exchange. */
  now: number
  windows: WindowOutcome[]
  budgets: BudgetOutcome[]
  decisions: Decision[]
  /** Whether no other server lives, as far as the database knows. */
  isAlone: boolean
  /** Organizations with so many series that usage of some was counted as `other`. */
  merged: string[]
}

export interface WindowOutcome extends Given {
  /** The grants in the report that had not expired. */
  booked: ReadonlySet<string>
  grant: string
  /**
   * What was used and what other servers hold: all that counts against the limit except this
   * server's grants.
   */
  used: number
}

export interface BudgetOutcome {
  admitted: number
  granted: number
  /** The most that this server should hold for requests to come. */
  share: number
  /** A request on another server waits for money that this one may hold for requests to come. */
  wanted: boolean
}
