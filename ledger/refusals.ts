/** Why the ledger does not admit a request. The gateway turns these into the errors of the API. */
import type { WindowAsk } from './ask.ts'

export class RateLimited extends Error {
  readonly window: WindowAsk
  /** Units that count against the limit now. */
  readonly used: number
  /**
   * After this time there is room for the same request, if no other takes it; null when it is
   * larger than the limit.
   */
  readonly retry_milliseconds: number | null

  constructor(window: WindowAsk, used: number, retry_milliseconds: number | null) {
    super(`rate limit of ${window.limit_key}`)
    this.window = window
    this.used = used
    this.retry_milliseconds = retry_milliseconds
  }
}

export class SpendLimited extends Error {
  readonly level: 'organization' | 'project'
  /** Until the month ends. */
  readonly retry_milliseconds: number

  constructor(level: 'organization' | 'project', retry_milliseconds: number) {
    super(`spend limit of the ${level}`)
    this.level = level
    this.retry_milliseconds = retry_milliseconds
  }
}

/** The limits changed while the request waited: they must be read again. */
export class LimitsChanged extends Error {}

/** The database cannot be reached, and this server does not hold enough. */
export class LedgerUnavailable extends Error {
  constructor(cause: unknown) {
    super('the ledger cannot be reached', { cause })
  }
}
