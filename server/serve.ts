/**
 * `keyhall serve`: opens the database, makes the first organization if there is none, and answers
 * until told to stop.
 */
import type { Mailer } from '../admin/mailer.ts'
import type { Database } from '../database/types.ts'
import type { Peppers } from '../keys/digest.ts'
import { Failed, type ExitCode } from '../world/failed.ts'
import { KeptRevocations } from './revocations-file.ts'
import type { Terminal } from '../world/terminal.ts'
import { realWorld } from '../world/world.ts'
import { assemble, type Assembled } from './assemble.ts'
import { bodyLimits } from './body-limits.ts'
import { cameThroughProxy, clientAddress, isLoopback } from './client-address.ts'
import type { Config } from './config.ts'
import { findConsole } from './console-files.ts'
import type { ConsoleOptions } from './console-pages.ts'
import { endRequests } from './end-requests.ts'
import { gatewayConfig } from './gateway-config.ts'
import { hostLocks } from './host-locks.ts'
import { changedSettings, noFile, readFileSettings } from './file-settings.ts'
import { greet, sayOtherListeners } from './greeting.ts'
import { Listeners } from './listeners.ts'
import { logLinks } from './log-links.ts'
import { Log } from './log.ts'
import { makeOrganization, type FirstOrganization } from './first-organization.ts'
import { openMail, requireMailSender } from './open-mail.ts'
import { asFailed, openHost } from './open-storage.ts'
import { pageOrigins } from './page-origins.ts'
import { presentedBy, requireTrustedProxies } from './presented-certificates.ts'
import { readSignIn } from './sign-in-settings.ts'
import { readTlsIdentity } from './tls-identity.ts'
import { warnings } from './warnings.ts'

const STOP_WITHIN_MILLISECONDS = 9_000
/** Of a server whose storage failed: requests then wait for nothing. */
const FAILED_ENDS_WITHIN_MILLISECONDS = 4_000
const STORAGE_ENDS_WITHIN_MILLISECONDS = 1_500

export interface Running {
  /**
   * Where each part is answered; `main` is the address that the greeting and `/health` checks use.
   */
  urls: Record<'main' | 'admin' | 'gateway' | 'metrics', string>
  url: string
  /**
   * Reads the files with the upstreams and the certificate again; one that is wrong is refused and
   * the old one stays.
   */
  reload: () => void
  /** Stops accepting, lets requests in flight finish, writes what is buffered. */
  stop: () => Promise<void>
}

/** Serves until the process is told to stop. */
export async function serveUntilStopped(config: Config, terminal: Terminal): Promise<ExitCode> {
  const server = new KeyhallServer(config, terminal)
  await server.start()
  // Before the greeting, because a signal may be sent as soon as it is printed.
  if (config.config !== null || config.tls_cert !== null) terminal.onReload(() => server.reload())
  const toldToStop = new Promise<void>((resolve) => terminal.onStop(resolve))
  server.greet()
  await toldToStop
  await server.stop()
  return 0
}

/** Starts the server, and prints what a new user needs. Throws Failed with a sentence. */
export async function serve(config: Config, terminal: Terminal): Promise<Running> {
  const server = new KeyhallServer(config, terminal)
  await server.start()
  server.greet()
  const { urls } = server
  return { urls, url: urls.main, reload: () => server.reload(), stop: () => server.stop() }
}

/** A server from its start to its end. `start` and `stop` name the steps in their order. */
class KeyhallServer {
  readonly #config: Config
  readonly #terminal: Terminal
  readonly #log: Log
  #listeners: Listeners | undefined
  #database: Database | undefined
  #first: FirstOrganization | null = null
  #mail: Mailer | null = null
  #assembled: Assembled | undefined
  #kept: KeptRevocations | undefined
  #stopLinks: () => void = () => {}
  #fileSettings = noFile
  #stopping: Promise<void> | undefined

  constructor(config: Config, terminal: Terminal) {
    this.#config = config
    this.#terminal = terminal
    this.#log = new Log({
      level: config.log,
      write: terminal.out,
      world: realWorld,
      readable: terminal.isTerminal,
    })
  }

  /** Every setting is read first, so that a wrong one makes no key. A failure closes everything. */
  async start() {
    const upstreams = this.#readUpstreams()
    const { config: file } = this.#config
    if (file !== null) this.#fileSettings = readFileSettings(file, this.#terminal.environment)
    const identity = readTlsIdentity(this.#config, realWorld.now())
    requireTrustedProxies(this.#config)
    requireMailSender(this.#config)
    const read = { upstreams, oidc: readSignIn(this.#config, upstreams), bodyLimits: bodyLimits(this.#config) }
    const { database, pepper, peppers } = await openHost(this.#config, {
      onFatal: (error) => this.#storageFailed(error),
      newOrganization: this.#config.new_organization || this.#config.demo,
      connections: this.#config.database_connections,
      locks: hostLocks(this.#config, realWorld.now()),
    })
    this.#database = database
    try {
      // The ports come first, so that a start that fails because one is taken has not made a key
      // that nobody saw.
      this.#listeners = await Listeners.open(this.#config, identity)
      this.#first = await makeOrganization(this.#config, database, pepper, this.#terminal)
      this.#mail = await openMail(this.#config, this.urls.admin, this.#terminal, this.#log)
      this.#kept = new KeptRevocations(this.#config.revocations_file, database, peppers, realWorld, this.#log)
      this.#assembled = await this.#assemble(database, peppers, read)
      await this.#bringUpToDate(database, { isFirst: this.#first !== null })
      this.#stopLinks = logLinks(database, peppers, this.#log)
      this.#answerRequests(this.#listeners, this.#assembled)
    } catch (error) {
      this.#stopLinks()
      await this.#kept?.stop()
      await this.#listeners?.stop(true)
      await this.#assembled?.stop()
      await database.close()
      throw asFailed(error)
    }
  }

  /** Prints the warnings, the address, and after a first start the keys. */
  greet() {
    for (const sentence of warnings(this.#config, this.#terminal)) this.#log.say('warn', sentence)
    const { admin: url } = this.urls
    greet({ url, first: this.#first, config: this.#config, log: this.#log, terminal: this.#terminal })
    sayOtherListeners(this.#listeners!, this.#log)
  }

  get urls(): Running['urls'] {
    const { all, main } = this.#listeners!
    const urlOfPart = (part: 'admin' | 'gateway' | 'metrics') => all.find(({ parts }) => parts.includes(part))!.url
    return { main: main.url, admin: urlOfPart('admin'), gateway: urlOfPart('gateway'), metrics: urlOfPart('metrics') }
  }

  reload() {
    this.#renewCertificate()
    const { config: file } = this.#config
    if (file === null) return
    try {
      const upstreams = this.#readUpstreams()
      this.#assembled!.configure(upstreams, readSignIn(this.#config, upstreams))
      this.#log.say('info', 'The upstreams were read again.', { file })
      this.#saySettingsThatWait(file)
    } catch (error) {
      if (!(error instanceof Failed)) throw error
      this.#log.say('error', `The upstreams stay as they were. ${error.message}`)
    }
  }

  /** Settings of the server stay as they were at the start, whatever the file says now. */
  #saySettingsThatWait(file: string) {
    const changed = changedSettings(this.#fileSettings, readFileSettings(file, this.#terminal.environment))
    if (changed.length === 0) return
    const names = changed.map((name) => `server.${name}`).join(', ')
    this.#log.say('warn', `What changed in ${names} waits for the next start; all else in the file is in use now.`, {
      file,
    })
  }

  #renewCertificate() {
    try {
      const identity = readTlsIdentity(this.#config, realWorld.now())
      if (!identity) return
      this.#listeners!.replace(identity)
      this.#log.say('info', 'The certificate was read again.', { file: this.#config.tls_cert })
    } catch (error) {
      if (!(error instanceof Failed)) throw error
      this.#log.say('error', `The certificate stays as it was. ${error.message}`)
    }
  }

  stop(): Promise<void> {
    const milliseconds = this.#config.shutdown_seconds * 1000
    return (this.#stopping ??= this.#finish(milliseconds, this.#config.shutdown_delay_seconds))
  }

  #readUpstreams() {
    return gatewayConfig(this.#config, this.#terminal.environment, (sentence) => this.#log.say('warn', sentence))
  }

  #assemble(
    database: Database,
    peppers: Peppers,
    read: Pick<Parameters<typeof assemble>[0], 'upstreams' | 'oidc' | 'bodyLimits'>,
  ): Promise<Assembled> {
    const { cached_keys, lease_seconds, max_body, max_upload, trusted_proxies, drain_seconds } = this.#config
    const listeners = this.#listeners!
    return assemble({
      ...read,
      database,
      peppers,
      world: realWorld,
      mail: this.#mail,
      keepRevocations: this.#kept!.keep,
      onRevoked: this.#kept!.keepSoon,
      isRevoked: this.#kept!.isRevoked,
      cachedKeys: cached_keys,
      leaseMilliseconds: lease_seconds * 1000,
      publicUrl: this.#config.public_url,
      issuerHosts: new Set(this.#config.issuer_hosts),
      limits: { body_bytes: max_body, upload_bytes: max_upload },
      drainMilliseconds: drain_seconds * 1000,
      corsOrigins: this.#config.cors_origins,
      console: this.#console(),
      keptDays: { minute: this.#config.usage_minutes_days, hour: this.#config.usage_hours_days },
      log: (line) => this.#log.request(line),
      addressOf: (request) =>
        clientAddress(request.headers.get('x-forwarded-for'), trusted_proxies, listeners.socketAddress(request)),
      originsOf: pageOrigins({ ...this.#config, hasTls: listeners.main.front !== null }),
      presentedBy: presentedBy(listeners, this.#config),
      idleLimit: (request, seconds) => listeners.idleLimit(request, seconds),
      upgrade: listeners.upgrade,
      onError: (what, error) => this.#log.say('error', what, { cause: String(error) }),
      warn: (sentence, about) => this.#log.say('warn', sentence, about),
    })
  }

  #console(): ConsoleOptions | null {
    if (!this.#config.console) return null
    const reloads = this.#terminal.isWatched === true
    const source = findConsole({ reloads })
    if (!source) this.#log.say('warn', 'The console is left out, because it is not built; "npm run build" builds it.')
    const ownPort = this.#config.gateway_port !== null
    const publicUrl = this.#config.public_url
    const gatewayUrl = () => (ownPort ? `${this.urls.gateway}/v1` : publicUrl && `${publicUrl}/v1`)
    return source && { source, gatewayUrl, reloads }
  }

  /**
   * Applies the revocations file to a database that was restored from a backup. Other servers on it
   * then forget all keys that they have in memory.
   */
  async #bringUpToDate(database: Database, start: { isFirst: boolean }) {
    const { revocations, cache } = this.#assembled!.context
    for (const organization_id of await this.#kept!.start({ ...start, forget: (key) => cache.forget(key) })) {
      const invalidations = [{ organization_id, scope: 'organization' as const }]
      const epoch = await database.write((sql) => revocations.publish(sql, invalidations))
      if (epoch !== null) await revocations.settle(epoch, invalidations)
    }
  }

  #answerRequests(listeners: Listeners, { router }: Assembled) {
    const forAll = this.#config.metrics_access === 'all'
    const isLocal = (request: Request) => isLoopback(listeners.socketAddress(request)) && !cameThroughProxy(request)
    listeners.serve(({ parts, isMain }) => router.serving(parts, isMain && !forAll ? isLocal : undefined))
  }

  #storageFailed(error: Error) {
    this.#log.say('error', 'The storage failed; stopping, because going on could lose data.', { cause: error.message })
    this.#log.flush()
    const stopped = this.#assembled
      ? (this.#stopping ??= this.#finish(FAILED_ENDS_WITHIN_MILLISECONDS, 0))
      : Promise.resolve()
    void stopped.finally(() => this.#terminal.exit(1))
    setTimeout(() => this.#terminal.exit(1), STOP_WITHIN_MILLISECONDS).unref()
  }

  /** Requests under way have `milliseconds`. Before that, new ones are taken for `delaySeconds`. */
  async #finish(milliseconds: number, delaySeconds: number) {
    const [listeners, assembled, log] = [this.#listeners!, this.#assembled!, this.#log]
    assembled.probes.stop()
    if (delaySeconds > 0) {
      log.say('info', `Stopping in ${delaySeconds} seconds; until then /readyz is 503, and requests are answered.`)
      await Bun.sleep(delaySeconds * 1000)
    }
    this.#stopLinks()
    log.say('info', 'Stopping: no new connections, requests in flight finish.')
    const mailed = async () => {
      await assembled.context.signInLinks.settled()
      await this.#mail?.settled()
    }
    await endRequests({ listeners, gateway: assembled.gateway, log, mailed }, milliseconds)
    const closed = Promise.all([assembled.stop(), this.#kept!.stop()]).then(() => this.#database!.close())
    await within(STORAGE_ENDS_WITHIN_MILLISECONDS, closed)
    log.say('info', 'Stopped.')
    log.flush()
  }
}

const within = (milliseconds: number, work: Promise<unknown>) => Promise.race([work, Bun.sleep(milliseconds)])
