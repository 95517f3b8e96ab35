/**
 * `/livez` and `/readyz`, for whatever starts, watches and stops servers: an orchestrator, a load
 * balancer, a monitor. Every listener answers them, to every caller, so a reason names no address,
 * no upstream and no cause; those are in the log.
 */
import { wrongMethod } from '../contract/errors.ts'
import { migrationsOf } from '../database/migrate.ts'
import { StorageError, type StorageFault } from '../database/storage-errors.ts'
import type { Database } from '../database/types.ts'
import { beginExchange, failure, respond, type Reporting } from '../http/respond.ts'
import { loggablePath } from '../http/url.ts'
import type { World } from '../world/world.ts'
import type { Handler } from './router.ts'

/** Below the second that Kubernetes gives a probe by default, so that the reason arrives. */
const DATABASE_ANSWERS_WITHIN_MILLISECONDS = 800
/** However many ask, the database is asked this often at most. */
const CACHED_MILLISECONDS = 1_000

const checkNames = ['database', 'migrations', 'upstreams', 'shutdown'] as const
type CheckName = (typeof checkNames)[number]

/** Null: all is well. The cause is for the log. */
type Finding = { reason: string; cause?: unknown } | null
type Findings = Record<CheckName, Finding>

interface Probed {
  database: Database
  world: World
  /** Whether every upstream was asked which models it has; whether it answered does not matter. */
  knowsUpstreams: () => boolean
  /** Called when the server is not ready any more, and when it is again. */
  onChange: (isReady: boolean, reasons: string, about: Record<string, unknown>) => void
}

export class Probes {
  readonly #probed: Probed
  readonly #reporting: Reporting
  readonly #addressOf: (request: Request) => string | null
  #isStopping = false
  #knewUpstreams = false
  #wasReady = true
  #stored: { at: number; findings: Pick<Findings, 'database' | 'migrations'> } | null = null
  #asking: Promise<Pick<Findings, 'database' | 'migrations'>> | null = null

  constructor(probed: Probed, reporting: Reporting, addressOf: (request: Request) => string | null) {
    this.#probed = probed
    this.#reporting = reporting
    this.#addressOf = addressOf
  }

  /** The process answers. It asks nothing else, so that no outage elsewhere restarts servers. */
  readonly livez: Handler = (request) => this.#answer(request, 'livez', async () => ({}))

  /** Requests can be sent here: 200, or 503 with which checks failed and why. */
  readonly readyz: Handler = (request) => this.#answer(request, 'readyz', () => this.look())

  /** From now on the server is not ready. */
  stop() {
    this.#isStopping = true
  }

  /** What each check finds. Never throws, and answers in time also when the database does not. */
  async look(): Promise<Findings> {
    const findings: Findings = { ...(await this.#lookAtStorage()), ...this.#lookAtProcess() }
    this.#noteChange(findings)
    return findings
  }

  #lookAtProcess(): Pick<Findings, 'upstreams' | 'shutdown'> {
    // Later outages of upstreams concern some models, and not this server alone.
    this.#knewUpstreams ||= this.#probed.knowsUpstreams()
    return {
      upstreams: this.#knewUpstreams
        ? null
        : { reason: 'Not every upstream was asked for its models since the start; this takes seconds at most.' },
      shutdown: this.#isStopping ? { reason: 'The server is shutting down.' } : null,
    }
  }

  #lookAtStorage() {
    const { steady, later } = this.#probed.world
    if (this.#stored && steady() - this.#stored.at < CACHED_MILLISECONDS) return this.#stored.findings
    this.#asking ??= lookAtStorage(this.#probed.database).then((findings) => {
      this.#stored = { at: steady(), findings }
      this.#asking = null
      return findings
    })
    const asking = this.#asking
    return new Promise<Pick<Findings, 'database' | 'migrations'>>((resolve) => {
      const cancel = later(DATABASE_ANSWERS_WITHIN_MILLISECONDS, () => resolve(silent))
      void asking.then((findings) => (cancel(), resolve(findings)))
    })
  }

  #noteChange(findings: Findings) {
    const { shutdown: _, ...noted } = findings
    const failed = Object.entries(noted).filter(([, finding]) => finding !== null)
    const isReady = failed.length === 0
    if (isReady === this.#wasReady) return
    this.#wasReady = isReady
    const reasons = failed.map(([, finding]) => finding!.reason).join(' ')
    const cause = failed.map(([, finding]) => finding!.cause).find((one) => one !== undefined)
    this.#probed.onChange(isReady, reasons, cause === undefined ? {} : { cause: causeOf(cause) })
  }

  async #answer(request: Request, name: string, look: () => Promise<Partial<Findings>>): Promise<Response> {
    const exchange = beginExchange('probe', request, this.#reporting, { operation: name })
    exchange.line.ip_address = this.#addressOf(request)
    if (!/^(GET|HEAD)$/.test(request.method))
      return respond(exchange, failure(exchange, wrongMethod(request.method, loggablePath(request.url), 'GET')))
    const findings = await look()
    const entries = Object.entries(findings)
    const isOk = entries.every(([, finding]) => finding === null)
    const checks = Object.fromEntries(
      entries.map(([check, finding]) => [
        check,
        finding === null ? { status: 'ok' } : { status: 'failed', reason: finding.reason },
      ]),
    )
    const body = { status: isOk ? 'ok' : 'failed', ...(entries.length > 0 && { checks }) }
    return respond(exchange, { status: isOk ? 200 : 503, body })
  }
}

const silent: Pick<Findings, 'database' | 'migrations'> = {
  database: { reason: `The database did not answer within ${DATABASE_ANSWERS_WITHIN_MILLISECONDS} milliseconds.` },
  migrations: { reason: 'Not known while the database does not answer.' },
}

async function lookAtStorage(database: Database): Promise<Pick<Findings, 'database' | 'migrations'>> {
  try {
    await database.ping()
    return { database: null, migrations: await lookAtMigrations(database) }
  } catch (error) {
    const fault = error instanceof StorageError ? error.fault : null
    const reason = (fault && reasons[fault]) ?? 'The database answers with an error.'
    return { database: { reason, cause: error }, migrations: silent.migrations }
  }
}

const reasons: Partial<Record<StorageFault, string>> = {
  unreachable: 'The database cannot be reached.',
  busy: 'The database is held by others for too long.',
  damaged: 'The database cannot be read from its disk.',
}

/**
 * Migrations of a later version are no failure: during a rolling upgrade the servers of this
 * version go on serving until they are replaced.
 */
async function lookAtMigrations(database: Database): Promise<Finding> {
  const { missing } = await migrationsOf(database)
  if (missing.length === 0) return null
  return {
    reason: `The database lacks migrations of this version (${missing[0]} is the first); restart this server, which applies them.`,
  }
}

function causeOf(error: unknown): string {
  const { cause } = error as { cause?: unknown }
  return [error, cause]
    .filter((one) => one instanceof Error)
    .map(String)
    .join(' ')
}
