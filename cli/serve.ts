/** `keyhall serve`: opens the database, makes the first organization if there is none, and answers until told to stop. */
import { adminApp } from '../admin/app.ts'
import { firstStart } from '../admin/host.ts'
import { fillDemo } from '../admin/demo.ts'
import { readConfig, type Config } from '../config.ts'
import { LastUsed } from '../keys/last-used.ts'
import { loadKeyRing } from '../keys/ring.ts'
import { realWorld } from '../keys/world.ts'
import { Failed, openHost } from './host.ts'
import { openLog, type Log } from './log.ts'

const STOP_WITHIN_MILLISECONDS = 9_000

export interface Running {
  url: string
  /** Stops accepting, lets requests in flight finish, writes what is buffered. */
  stop: () => Promise<void>
}

export interface Terminal {
  environment: Record<string, string | undefined>
  out: (text: string) => void
  /** Whether people read what is printed. */
  isTerminal: boolean
  exit: (code: number) => void
}

/** Starts and prints what a new user needs. Throws Failed or WrongSetting with a sentence. */
export async function serve(flags: readonly string[], terminal: Terminal): Promise<Running> {
  const config = readConfig(flags, terminal.environment)
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
    const url = `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${server.port}`
    const noted = lastUsed
    let stopping: Promise<void> | null = null
    running = {
      url,
      stop: () =>
        (stopping ??= (async () => {
          log.say('info', 'Stopping: no new connections, requests in flight finish.')
          await Promise.race([server.stop(), Bun.sleep(STOP_WITHIN_MILLISECONDS - 2_000)])
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

interface Greeting {
  url: string
  first: Awaited<ReturnType<typeof firstStart>>
  config: Config
  filled: boolean
  log: Log
  terminal: Terminal
}

function greet({ url, first, config, filled, log, terminal }: Greeting) {
  const { out } = terminal
  log.flush()
  if (terminal.isTerminal || first)
    out(
      `\nKeyhall serves ${url}/v1 (database ${config.database.startsWith('sqlite:') ? config.database : 'PostgreSQL'})\n`,
    )
  if (filled) out('The demo organization was made: 5 projects, 40 people, 12 service accounts, 400 keys.\n')
  if (first) {
    const key = first.admin_key ?? '$KEYHALL_ADMIN_KEY'
    if (first.admin_key) out(`\nThe first admin key, shown this once:\n\n  ${first.admin_key}\n`)
    out(`\nTry:\n
  curl ${url}/v1/organization/projects/${first.project_id}/api_keys -H "Authorization: Bearer ${key}"
  OPENAI_ADMIN_KEY=${key} OPENAI_BASE_URL=${url}/v1 node -e "import('openai').then(async ({ OpenAI }) => { for await (const project of new OpenAI({ apiKey: 'none' }).admin.organization.projects.list()) console.log(project) })"
  OPENAI_ADMIN_KEY=${key} OPENAI_BASE_URL=${url}/v1 npx keyhall projects list\n\n`)
  } else if (terminal.isTerminal)
    out('Admin keys are shown only when they are made; "npx keyhall admin-keys create" on this host makes another.\n\n')
  log.say('info', `Listening on ${url}`, {
    database: config.database.split(':', 1)[0],
    ...(!first && { admin_keys: 'made on this host with "keyhall admin-keys create"' }),
  })
  log.flush()
}
