/** `keyhall serve`: opens the database, makes the first organization if there is none, and answers until told to stop. */
import { adminApp } from '../admin/app.ts'
import { firstStart } from '../admin/host.ts'
import { fillDemo } from '../admin/demo.ts'
import type { Config } from '../config.ts'
import { LastUsed } from '../keys/last-used.ts'
import { loadKeyRing } from '../keys/ring.ts'
import { realWorld } from '../keys/world.ts'
import { Failed, type ExitCode } from './failed.ts'
import { greet, urlOf } from './greeting.ts'
import { openHost } from './host.ts'
import { openLog } from './log.ts'
import type { Terminal } from './terminal.ts'

const STOP_WITHIN_MILLISECONDS = 9_000
const REQUESTS_END_WITHIN_MILLISECONDS = 7_000

export interface Running {
  url: string
  /** Stops accepting, lets requests in flight finish, writes what is buffered. */
  stop: () => Promise<void>
}

/** Serves until the process is told to stop. */
export async function serveUntilStopped(config: Config, terminal: Terminal): Promise<ExitCode> {
  const running = await serve(config, terminal)
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

  const { database, pepper } = await openHost(config, { onFatal })
  const world = realWorld
  let lastUsed: LastUsed | undefined
  try {
    const first = await firstStart(database, pepper, world, {
      owner_email: config.owner_email,
      admin_key: config.admin_key?.reveal() ?? null,
    })
    const filled = config.demo ? await fillDemo(database, pepper, world, first) : false
    lastUsed = new LastUsed(database, (error) =>
      log.say('error', 'Times of last use could not be written; kept for later.', { cause: String(error) }),
    )
    const app = adminApp(
      { database, keys: await loadKeyRing(database, pepper, world), lastUsed, world },
      { log: log.request, addressOf: (request) => addressOf(request, config, server) },
    )
    const server = listen(config, app.fetch)
    const url = urlOf(config.host, server.port!)
    const noted = lastUsed
    let stopping: Promise<void> | null = null
    running = {
      url,
      stop: () =>
        (stopping ??= (async () => {
          log.say('info', 'Stopping: no new connections, requests in flight finish.')
          await Promise.race([server.stop(), Bun.sleep(REQUESTS_END_WITHIN_MILLISECONDS)])
          if (server.pendingRequests > 0) {
            log.say('warn', 'Requests that took too long were cut off.', { requests: server.pendingRequests })
            void server.stop(true)
          }
          await noted.stop()
          await database.close()
          log.say('info', 'Stopped.')
          log.flush()
        })()),
    }
    greet({ url, first, config, filled, log, terminal })
    return running
  } catch (error) {
    await lastUsed?.stop()
    await database.close()
    throw error
  }
}

function listen(config: Config, fetch: (request: Request) => Response | Promise<Response>) {
  try {
    return Bun.serve({
      hostname: config.host,
      port: config.port,
      fetch,
      maxRequestBodySize: 32 * 1024 * 1024,
      idleTimeout: 60,
      development: false,
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
function addressOf(request: Request, { trusted_proxies }: Config, server: Bun.Server<undefined>): string | null {
  const direct = server.requestIP(request)?.address ?? null
  if (trusted_proxies === 0) return direct
  const hops = (request.headers.get('x-forwarded-for') ?? '').split(',').map((hop) => hop.trim())
  return hops.at(-trusted_proxies) || direct
}
