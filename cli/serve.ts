/** `keyhall serve`: opens the database, makes the first organization if there is none, and answers until told to stop. */
import { firstStart } from '../admin/host.ts'
import { fillDemo, whenDemoBegan } from '../admin/demo.ts'
import type { Config } from '../config.ts'
import { pathnameOf } from '../http/answer.ts'
import { realWorld } from '../keys/world.ts'
import { assemble, type Assembled } from './assemble.ts'
import { Failed, type ExitCode } from './failed.ts'
import { gatewayConfig } from './gateway-config.ts'
import { greet, urlOf } from './greeting.ts'
import { openHost } from './host.ts'
import { openLog, type Log } from './log.ts'
import type { Terminal } from './terminal.ts'

const STOP_WITHIN_MILLISECONDS = 9_000
const REQUESTS_END_WITHIN_MILLISECONDS = 7_000
const STORAGE_ENDS_WITHIN_MILLISECONDS = 1_500

export interface Running {
  url: string
  /** Reads the file with the upstreams again; one that is wrong is refused and the old one stays. */
  reload: () => void
  /** Stops accepting, lets requests in flight finish, writes what is buffered. */
  stop: () => Promise<void>
}

/** Serves until the process is told to stop. */
export async function serveUntilStopped(config: Config, terminal: Terminal): Promise<ExitCode> {
  const running = await serve(config, terminal)
  if (config.config !== null) terminal.onReload(running.reload)
  await new Promise<void>((resolve) => terminal.onStop(resolve))
  await running.stop()
  return 0
}

/** Starts and prints what a new user needs. Throws Failed with a sentence. */
export async function serve(config: Config, terminal: Terminal): Promise<Running> {
  const log = openLog(config.log, terminal.out, { readable: terminal.isTerminal })
  let running: Running | undefined
  const onFatal = (error: Error) => {
    log.say('error', 'The storage failed; stopping, because going on could lose data.', { cause: error.message })
    log.flush()
    void Promise.resolve(running?.stop()).finally(() => terminal.exit(1))
    setTimeout(() => terminal.exit(1), STOP_WITHIN_MILLISECONDS).unref()
  }

  const warn = (message: string) => log.say('warn', message)
  const upstreams = gatewayConfig(config, terminal.environment, warn)
  const { database, pepper } = await openHost(config, { onFatal })
  const world = realWorld
  let server: Server | undefined
  let metrics: Server | undefined
  let assembled: Assembled | undefined
  try {
    // Before the first key is made: a start that fails on a taken port must not have made one that nobody saw.
    const { promise: ready, resolve: answer } = Promise.withResolvers<Handler>()
    const listening = (server = listen(config, async (request) => (await ready)(request)))
    const first = await firstStart(database, pepper, config.demo ? whenDemoBegan(world) : world, {
      owner_email: config.owner_email,
      admin_key: config.admin_key?.reveal() ?? null,
    })
    if (config.demo) {
      if (!first)
        throw new Failed(
          'The database has an organization already, and the demo is for an empty one; start without --demo, or name another with --database.',
        )
      await fillDemo(database, world, first)
    }
    const url = urlOf(config.host, listening.port!)
    const mail = await mailer(config, url, log)
    const parts = (assembled = await assemble({
      database,
      pepper,
      world,
      upstreams,
      send: fetch,
      mail,
      cachedKeys: config.cached_keys,
      leaseMilliseconds: config.lease_seconds * 1000,
      limits: { body_bytes: config.max_body, upload_bytes: config.max_upload },
      showsMetrics: config.metrics_port === null,
      log: log.request,
      addressOf: (request) => addressOf(request, config, listening),
      idleLimit: (request, seconds) => listening.timeout(request, seconds),
      onError: (what, error) => log.say('error', what, { cause: String(error) }),
    }))
    const reload = () => {
      try {
        parts.gateway.configure(gatewayConfig(config, terminal.environment, warn))
        log.say('info', 'The upstreams were read again.', { file: config.config })
      } catch (error) {
        if (!(error instanceof Failed)) throw error
        log.say('error', `The upstreams stay as they were. ${error.message}`)
      }
    }
    if (config.metrics_port !== null) {
      const { metrics_port: port, metrics_host: host } = config
      metrics = listen({ ...config, host, port }, (request) =>
        pathnameOf(request.url) === '/metrics' ? parts.metrics.fetch(request) : new Response(null, { status: 404 }),
      )
      log.say('info', `Metrics on ${urlOf(host, metrics.port!)}/metrics`)
    }
    answer(parts.fetch)
    listening.reload({ fetch: parts.fetch })

    const finish = async () => {
      log.say('info', 'Stopping: no new connections, requests in flight finish.')
      const ended = listening.stop().then(() => mail?.settled())
      await within(REQUESTS_END_WITHIN_MILLISECONDS, ended)
      parts.gateway.stop()
      if (listening.pendingRequests > 0) {
        log.say('warn', 'Requests that took too long were cut off.', { requests: listening.pendingRequests })
        void listening.stop(true)
      }
      void metrics?.stop(true)
      await within(
        STORAGE_ENDS_WITHIN_MILLISECONDS,
        parts.stop().then(() => database.close()),
      )
      log.say('info', 'Stopped.')
      log.flush()
    }
    let stopping: Promise<void> | null = null
    running = { url, reload, stop: () => (stopping ??= finish()) }
    greet({ url, first, config, log, terminal })
    return running
  } catch (error) {
    await server?.stop(true)
    await metrics?.stop(true)
    await assembled?.stop()
    await database.close()
    throw error
  }
}

/** Sends the invitations, if a mail server is set. What it is made of is loaded only then. */
async function mailer({ smtp_url: url, smtp_from: from, public_url }: Config, listensOn: string, log: Log) {
  if (!url) return null
  if (!from) throw new Failed('KEYHALL_SMTP_URL needs KEYHALL_SMTP_FROM: the address that invitations come from.', 2)
  const onError = (invite_id: string, error: unknown) =>
    log.say('error', `The mail of an invite could not be sent; "keyhall invites link ${invite_id}" makes a new link.`, {
      cause: String(error),
    })
  return (await import('../admin/mailer.ts')).openMailer({ url, from, public_url: public_url ?? listensOn, onError })
}

type Server = Bun.Server<undefined>
type Handler = (request: Request) => Response | Promise<Response>

const within = (milliseconds: number, work: Promise<unknown>) => Promise.race([work, Bun.sleep(milliseconds)])

function listen(config: Pick<Config, 'host' | 'port'>, fetch: Handler): Server {
  try {
    return Bun.serve({
      hostname: config.host,
      port: config.port,
      fetch,
      // Whoever reads a body has a limit of its own, and says so in words; Bun's 413 is empty. What nobody reads, Bun does not hold.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      idleTimeout: 60,
      development: false,
      // Bun shares the port otherwise, when not in development: a second server would take half of the connections.
      reusePort: false,
    })
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    throw new Failed(
      code === 'EADDRINUSE'
        ? `Port ${config.port} on ${config.host} is taken; stop what listens there, or choose another with --port.`
        : `Cannot listen on ${config.host}:${config.port}: ${message}.`,
    )
  }
}

/** Who called, after the trusted-proxy rule: of `X-Forwarded-For` only what our own proxies appended is believed. */
function addressOf(request: Request, { trusted_proxies }: Config, server: Server): string | null {
  const hops = trusted_proxies > 0 ? (request.headers.get('x-forwarded-for') ?? '').split(',') : []
  return hops.at(-trusted_proxies)?.trim() || (server.requestIP(request)?.address ?? null)
}
