/** Adds the metrics of the server's parts, such as caches and upstreams, to those of requests. */
import type { TokenEndpoint } from '../admin/workload-identity/token-endpoint.ts'
import type { Gateway } from '../gateway/gateway-app.ts'
import type { KeyAuthorizer } from '../gateway/authorize.ts'
import type { Cors } from '../http/cors.ts'
import type { BodyBudget } from '../http/body-budget.ts'
import type { KeyCache } from '../keys/cache.ts'
import type { LastUsed } from '../keys/last-used.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Probes } from './probes.ts'

interface Measured {
  cache: KeyCache
  lastUsed: LastUsed
  gateway: Gateway
  authorizer: KeyAuthorizer
  bodies: BodyBudget
  forged: { count: number }
  tokens: TokenEndpoint
}

export function measure(metrics: Metrics, measured: Measured) {
  const { cache, lastUsed, authorizer, bodies, forged } = measured
  measureTokens(metrics, measured)
  measureOpen(metrics, measured)
  metrics.add({
    name: 'keyhall_verifications_total',
    about: 'Decisions about project keys: accepted, refused (401), forbidden (403), or not possible.',
    kind: 'counter',
    label: 'outcome',
    read: () => authorizer.outcomes,
  })
  metrics.add({
    name: 'keyhall_body_memory_bytes',
    about: 'Bytes of request bodies that are held in memory.',
    kind: 'gauge',
    read: () => bodies.held,
  })
  metrics.add({
    name: 'keyhall_key_lookups_total',
    about: 'Keys that memory knew, and keys that were read from storage.',
    kind: 'counter',
    label: 'result',
    read: () => ({ hit: cache.counts.hits, miss: cache.counts.misses }),
  })
  metrics.add({
    name: 'keyhall_forged_keys_total',
    about: 'Keys that were refused because their row in the database was changed without the pepper.',
    kind: 'counter',
    read: () => forged.count,
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

export function measureCors(metrics: Metrics, cors: Cors) {
  metrics.add({
    name: 'keyhall_preflights_total',
    about: 'Preflights of browsers, by whether their origin is allowed.',
    kind: 'counter',
    label: 'outcome',
    read: () => cors.counts,
  })
}

export function measureProbes(metrics: Metrics, probes: Probes) {
  metrics.add({
    name: 'keyhall_ready',
    about: 'What `/readyz` finds now, by check: 1 where all is well, 0 where the check fails.',
    kind: 'gauge',
    label: 'check',
    read: async () =>
      Object.fromEntries(
        Object.entries(await probes.look()).map(([check, finding]) => [check, finding === null ? 1 : 0]),
      ),
  })
}

function measureOpen(metrics: Metrics, { gateway }: Measured) {
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
    name: 'keyhall_open_sockets',
    about: 'WebSockets that are being relayed.',
    kind: 'gauge',
    read: () => gateway.open().sockets,
  })
}

function measureTokens(metrics: Metrics, { tokens, authorizer }: Measured) {
  metrics.add({
    name: 'keyhall_token_exchanges_total',
    about: 'Tokens of workloads that were sent to be exchanged: issued an access token, refused, or not possible.',
    kind: 'counter',
    label: 'outcome',
    read: () => tokens.outcomes,
  })
  metrics.add({
    name: 'keyhall_access_tokens_used_total',
    about: 'Decisions that accepted an access token of a workload.',
    kind: 'counter',
    read: () => authorizer.accessTokensUsed,
  })
}
