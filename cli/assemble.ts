/** The server put together from its halves: one handler for administration, the gateway, `/verify` and `/metrics`. */
import { adminApp } from '../admin/app.ts'
import type { AdminContext } from '../admin/call.ts'
import type { Mailer } from '../admin/mailer.ts'
import type { Database } from '../database/open.ts'
import { gatewayApp, type Gateway } from '../gateway/app.ts'
import type { Limits } from '../gateway/body.ts'
import type { GatewayConfig } from '../gateway/config.ts'
import type { Send } from '../gateway/models.ts'
import { isForGateway } from '../gateway/target.ts'
import { authorizeFrom, keyCache, verifyEndpoint, type VerifyContext } from '../gateway/verify.ts'
import { hasWrongHost, startOfPath } from '../http/answer.ts'
import type { RequestLine } from '../http/request-line.ts'
import type { Pepper } from '../keys/digest.ts'
import { LastUsed } from '../keys/last-used.ts'
import { Revocations } from '../keys/revocations.ts'
import { loadKeyRing } from '../keys/ring.ts'
import type { World } from '../keys/world.ts'
import { openMetrics, type Metrics } from '../metrics/metrics.ts'
import { version } from './help.ts'
import { countedAuthorize, measure } from './measure.ts'

export interface Parts {
  database: Database
  pepper: Pepper
  world: World
  /** How many living keys are held in memory. */
  cachedKeys: number
  /** For how long memory answers without the database. */
  leaseMilliseconds: number
  /** Where model requests go; null for nowhere. */
  upstreams: GatewayConfig | null
  send: Send
  /** Null where no mail server is set. */
  mail?: Mailer | null
  limits?: Partial<Limits>
  /** Whether `/metrics` is answered beside the rest. */
  showsMetrics?: boolean
  log: (line: RequestLine) => void
  addressOf: (request: Request) => string | null
  idleLimit?: (request: Request, seconds: number) => void
  /** What went wrong beside a request. */
  onError: (what: string, error: unknown) => void
}

export interface Assembled {
  fetch: (request: Request) => Response | Promise<Response>
  context: AdminContext & VerifyContext
  gateway: Gateway
  metrics: Metrics
  /** Writes what is buffered and leaves the other processes. The database stays open. */
  stop: () => Promise<void>
}

/** Puts the server together on an open database whose pepper was checked and that has an organization. */
export async function assemble(parts: Parts): Promise<Assembled> {
  const { database, pepper, world, cachedKeys, leaseMilliseconds, onError, upstreams, send, showsMetrics } = parts
  const { mail = null } = parts
  const metrics = openMetrics(version, () => gateway.namedModels())
  const options = {
    ...parts,
    log(line: RequestLine) {
      metrics.count(line)
      parts.log(line)
    },
  }
  const keys = await loadKeyRing(database, pepper, world)
  const lastUsed = new LastUsed(database, (error) => {
    metrics.storageFailed('last_used_unwritten')
    onError('Times of last use could not be written; kept for later.', error)
  })
  const cache = keyCache(database, world, cachedKeys)
  const revocations = new Revocations(database, world, {
    leaseMilliseconds,
    forget: (revoked) => cache.forget(revoked),
    onError: (error) => onError('The database did not say what was revoked.', error),
  })
  await revocations.start()
  const context = { database, keys, lastUsed, world, mail, cache, revocations }
  const admin = adminApp(context, options)
  const authorize = countedAuthorize(authorizeFrom(context), metrics)
  const verify = verifyEndpoint(authorize, world, options)
  const gateway = gatewayApp({ authorize, world, send }, upstreams, options)
  measure(metrics, { cache, lastUsed, gateway })
  return {
    context,
    gateway,
    metrics,
    fetch(request) {
      if (hasWrongHost(request)) return admin.fetch(request)
      if (isForGateway(request.url)) return gateway.fetch(request)
      if (isAt('/verify', request.url)) return verify(request)
      return showsMetrics && isAt('/metrics', request.url) ? metrics.fetch(request) : admin.fetch(request)
    },
    async stop() {
      mail?.close()
      await Promise.all([revocations.stop(), lastUsed.stop()])
    },
  }
}

/** Whether a URL is for a path or for something below it. */
function isAt(path: string, url: string) {
  const start = startOfPath(url)
  if (!url.startsWith(path, start)) return false
  const next = url[start + path.length]
  return next === undefined || next === '/' || next === '?'
}
