/** What of the assembled server is counted beside the requests themselves. */
import { ApiError } from '../contract/errors.ts'
import type { Gateway } from '../gateway/app.ts'
import type { Authorize } from '../gateway/caller.ts'
import type { KeyCache } from '../keys/cache.ts'
import type { LastUsed } from '../keys/last-used.ts'
import type { Metrics } from '../metrics/metrics.ts'

interface Measured {
  cache: KeyCache
  lastUsed: LastUsed
  gateway: Gateway
}

export function measure(metrics: Metrics, { cache, lastUsed, gateway }: Measured) {
  metrics.add({
    name: 'keyhall_open_model_requests',
    about: 'Model requests that are not answered to the end.',
    kind: 'gauge',
    read: () => gateway.open().requests,
  })
  metrics.add({
    name: 'keyhall_open_streams',
    about: 'Answers that are being passed on as they come.',
    kind: 'gauge',
    read: () => gateway.open().streams,
  })
  metrics.add({
    name: 'keyhall_key_lookups_total',
    about: 'Keys that memory knew, and keys that were read from storage.',
    kind: 'counter',
    label: 'result',
    read: () => ({ hit: cache.counts.hits, miss: cache.counts.misses }),
  })
  metrics.add({ name: 'keyhall_cached_keys', about: 'Keys in memory.', kind: 'gauge', read: () => cache.size })
  metrics.add({
    name: 'keyhall_last_used_waiting_keys',
    about: 'Keys whose time of last use is not written yet.',
    kind: 'gauge',
    read: () => lastUsed.waiting.keys,
  })
  metrics.add({
    name: 'keyhall_last_used_lag_seconds',
    about: 'How long the oldest of those times waits.',
    kind: 'gauge',
    read: () => lastUsed.waiting.milliseconds / 1000,
  })
}

/** The same decision, and how often it came out which way. */
export function countedAuthorize(authorize: Authorize, metrics: Metrics): Authorize {
  const outcomes = { accepted: 0, refused: 0, forbidden: 0, unavailable: 0 }
  metrics.add({
    name: 'keyhall_verifications_total',
    about: 'Decisions about project keys: accepted, refused (401), forbidden (403), or not possible.',
    kind: 'counter',
    label: 'outcome',
    read: () => outcomes,
  })
  const accept = <Caller>(caller: Caller) => {
    outcomes.accepted++
    return caller
  }
  const refuse = (error: unknown): never => {
    const status = error instanceof ApiError ? error.status : 500
    outcomes[status === 401 ? 'refused' : status === 403 ? 'forbidden' : 'unavailable']++
    throw error
  }
  return (authorization, needed) => {
    try {
      const caller = authorize(authorization, needed)
      if (!(caller instanceof Promise)) return accept(caller)
      return caller.then(accept, refuse)
    } catch (error) {
      return refuse(error)
    }
  }
}
