/**
 * The row types of usage and spend, of their limits, and of what servers hold under these limits.
 */

import type { Generated } from 'kysely'

export interface LedgerTables {
  usage_series: UsageSeriesRow
  usage_series_counts: UsageSeriesCountRow
  usage_minutes: UsageCountsRow
  usage_hours: UsageCountsRow
  usage_days: UsageCountsRow
  usage_kept: UsageKeptRow
  budgets: BudgetRow
  ledger_servers: LedgerServerRow
  swept_servers: SweptServerRow
  holdings: HoldingRow
  in_flight: InFlightRow
  rate_windows: RateWindowRow
  spend_limits: SpendLimitRow
  spend_alerts: SpendAlertRow
  alert_deliveries: AlertDeliveryRow
  rate_limits: RateLimitRow
  model_permissions: ModelPermissionsRow
  deferred_requests: DeferredRequestRow
}

/**
 * One combination of who used what, by which reports group usage. The id is a hash of the other
 * columns.
 */
export interface UsageSeriesRow {
  id: number
  organization_id: string
  kind: string
  project_id: string
  user_id: string
  api_key_id: string
  model: string
  service_tier: string
  batch: number
  detail: string
  estimated: number
  priced: number
  /** The latest month (`2026-11`, UTC) for which it is counted; empty before it was counted. */
  month: Generated<string>
}

/** How many series an organization uses in a month. */
export interface UsageSeriesCountRow {
  organization_id: string
  month: string
  series: number
}

/** What a series used in one minute, hour or day. Tokens, units and nano-dollars; null is zero. */
export interface UsageCountsRow {
  /** Minutes since 1970 at which the minute, hour or day begins, UTC. */
  at: number
  series_id: number
  requests: number | null
  input: number | null
  output: number | null
  cached: number | null
  cache_write: number | null
  cache_write_12h: number | null
  audio_input: number | null
  audio_output: number | null
  image_input: number | null
  image_output: number | null
  cached_audio: number | null
  cached_image: number | null
  units: number | null
  cost_input: number | null
  cost_cached: number | null
  cost_cache_write: number | null
  cost_output: number | null
  cost_units: number | null
}

/** Rows of this width (`minute` or `hour`) that are older were pruned, or are about to be. */
export interface UsageKeptRow {
  width: 'minute' | 'hour'
  /** Minutes since 1970; the begin of a day. */
  since: number
}

/**
 * The money of an organization (`project_id` is empty) or a project in a month, in nano-dollars.
 */
export interface BudgetRow {
  organization_id: string
  project_id: string
  month: string
  /** What ended requests cost. */
  settled: number
  /** What all servers hold: for running requests, and for requests to come. */
  reserved: number
  /**
   * What servers held when they died, so that nobody knows whether it was spent. It counts against
   * the limit and is in no report.
   */
  burned: number
  /**
   * Milliseconds by the database's clock: when a request was last admitted or refused under a
   * limit.
   */
  admitted_at: number
  refused_at: number
  /** When a request last waited for money that other servers hold without using it. */
  wanted_at: number
}

/**
 * A server that holds money or units. After `until` (milliseconds, by the database's clock) it
 * counts as dead.
 */
export interface LedgerServerRow {
  id: string
  /**
   * The number of its exchanges, by which a server notices that others took it for dead meanwhile.
   */
  seq: number
  until: number
}

/** A server that others took for dead, and the last of its exchanges that happened. */
export interface SweptServerRow {
  id: string
  seq: number
  /** Milliseconds, by the database's clock. */
  swept_at: number
}

/** What one server holds of a budget, in nano-dollars. */
export interface HoldingRow {
  server_id: string
  organization_id: string
  project_id: string
  month: string
  in_flight: number
  free: number
}

/** Requests of a series that run on a server, and what they cost at most. */
export interface InFlightRow {
  server_id: string
  series_id: number
  month: string
  requests: number
  amount: number
  /**
   * JSON of `Series`, and two of its members. Null in rows from before they named their series; it
   * is in `usage_series` then.
   */
  series: string | null
  organization_id: string | null
  project_id: string | null
}

/** A rate limit's use in the last minute or day, and who holds grants of it. */
export interface RateWindowRow {
  organization_id: string
  project_id: string
  limit_key: string
  metric: string
  version: number
  /** As `ledger/window-state.ts` packs it. */
  state: string
  /** The hour in which a request last took units of it (hours since 1970); 0 if none did. */
  used_hour: Generated<number>
  /** The limit then, in units, and the most that one request took. */
  used_limit: Generated<number>
  largest: Generated<number>
}

/** What an organization (`project_id` is empty) or a project may spend in a month. */
export interface SpendLimitRow {
  organization_id: string
  project_id: string
  /** Cents. */
  threshold_amount: number
  currency: string
  interval: string
  updated_at: number
}

export interface SpendAlertRow {
  organization_id: string
  project_id: string
  id: string
  /** Cents. */
  threshold_amount: number
  currency: string
  interval: string
  /** JSON array of e-mail addresses. */
  recipients: string
  subject_prefix: string | null
  created_at: number
  deleted_at: number | null
}

/** The delivery of an alert for a month, done or under way. */
export interface AlertDeliveryRow {
  organization_id: string
  alert_id: string
  month: string
  threshold_amount: number
  /** The server that delivers it; after `until` (milliseconds) another may. */
  owner: string
  until: number
  /** When all were told. */
  sent_at: number | null
  /** JSON array of those who were told: addresses, and `webhook`. */
  told: string
  attempts: number
  /** When no further attempt was to be made, though not all were told. */
  gave_up_at: number | null
}

/** The limits of a model that a project has changed; JSON with the members of the API. */
export interface RateLimitRow {
  organization_id: string
  project_id: string
  limit_key: string
  limits: string
  updated_at: number
}

export interface ModelPermissionsRow {
  organization_id: string
  project_id: string
  mode: 'allow_list' | 'deny_list'
  /** JSON array. */
  model_ids: string
  updated_at: number
}

/**
 * A batch or a background response whose result was not seen yet. The most that it may cost stays
 * reserved.
 */
export interface DeferredRequestRow {
  id: string
  organization_id: string
  project_id: string
  /** The month of its admission. */
  month: string
  /** Nano-dollars that are reserved. */
  amount: number
  /** Milliseconds since 1970. */
  admitted_at: number
  kind: 'batch' | 'response'
  /** The name of the upstream that works on it, and the id that it gave it. */
  upstream: string
  result_id: string
  /** JSON of `Series`. */
  series: string
  /** JSON: the facts about the request that are needed to count its result. */
  metered: string
  /**
   * Milliseconds by the database's clock: when Keyhall looks for the result next, and when it stops
   * waiting for it.
   */
  look_at: number
  give_up_at: number
}
