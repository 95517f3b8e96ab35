/**
 * The console in a real Chromium. A test fails on any complaint of the page: an error, what the
 * policy forbade, or a request to another host.
 */
import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout } from 'bun:test'
import { chromium, type Browser, type Page } from 'playwright-core'
import { openMailer } from '../../admin/mailer.ts'
import { startSession } from '../../admin/sessions/start-session.ts'
import { findConsole } from '../../server/console-files.ts'
import { pageOrigins } from '../../server/page-origins.ts'
import { Secret } from '../../world/secret.ts'
import { newId } from '../../world/random.ts'
import { seconds } from '../../world/world.ts'
import { chromium as executablePath } from '../chromium.ts'
import { engines, START_MILLISECONDS, startServer, type EngineName, type TestServer } from '../setup.ts'
import { startSmtp, type TestSmtp } from '../smtp.ts'

export interface TestConsole {
  server: TestServer
  /** Receives the mails of the server. */
  smtp: TestSmtp
  /** The address of the server, without a slash at its end. */
  url: string
  /** Opens a page of the console in a browser of its own, signed in as a person if one is named. */
  open: (path?: string, options?: OpenOptions) => Promise<Page>
}

interface OpenOptions {
  /** The id of the person. */
  as?: string
  /** The address of another server on the same database; by default of the one that there is. */
  at?: string
  width?: number
  colorScheme?: 'light' | 'dark'
}

/** What the server of a test needs besides. */
export interface Beside {
  settings?: Parameters<typeof startServer>[1]
  /** Addresses of others that pages may lead to. */
  others?: readonly string[]
  stop?: () => unknown
}

/** How long a test waits for something to appear, on a busy machine too. */
const PATIENCE_MILLISECONDS = 20_000

if (!executablePath)
  console.log('NOT TESTED: the console in a browser, because no Chromium was found (TEST_CHROMIUM names one)')

/**
 * Half of the groups of tests on each engine, by their names; all on both with `--long`. A page
 * shows an answer without knowing its engine, and other tests compare the answers of both.
 */
const enginesOf = (name: string): readonly EngineName[] =>
  process.env.TEST_RUNS === undefined ? [engines[Buffer.from(name).reduce((sum, byte) => sum + byte, 0) % 2]!] : engines

/**
 * Runs the tests in Chromium, with a server for each engine and one browser for all. `prepare` is
 * told the address of the server before it starts.
 */
export function inConsole(
  name: string,
  tests: (console: () => TestConsole) => void,
  prepare: (url: string) => Promise<Beside> = async () => ({}),
) {
  // A browser takes its time to start.
  setDefaultTimeout(START_MILLISECONDS)
  describe.skipIf(!executablePath)(name, () => {
    let browser: Browser
    beforeAll(async () => {
      browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox'] })
    }, START_MILLISECONDS)
    afterAll(() => browser.close())
    for (const engine of enginesOf(name))
      describe(engine, () => onOne(() => startConsole(engine, browser, prepare), tests))
  })
}

function onOne(start: () => ReturnType<typeof startConsole>, tests: (console: () => TestConsole) => void) {
  let running: Awaited<ReturnType<typeof startConsole>>
  beforeAll(async () => {
    running = await start()
  }, START_MILLISECONDS)
  afterEach(async () => {
    expect(await running.close()).toEqual([])
  })
  afterAll(() => running.stop())
  tests(() => running.console)
}

async function startConsole(engine: EngineName, browser: Browser, prepare: (url: string) => Promise<Beside>) {
  const originsOf = pageOrigins({ public_url: null, trusted_proxies: 0, hasTls: false })
  const source = findConsole()!
  const socket = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: (request): Promise<Response> => server.fetch(request),
  })
  const url = socket.url.href.replace(/\/$/, '')
  const smtp = await startSmtp()
  const sender = { url: new Secret(smtp.url), from: 'Keyhall <keys@example.com>', public_url: url }
  const mail = openMailer({ ...sender, onError: (about) => complaints.push(about) })
  const { settings, others = [], stop = () => {} } = await prepare(url)
  const console = { source, gatewayUrl: () => null }
  const server = await startServer(engine, { originsOf, mail, console, ...settings })
  const opened: Page[] = []
  const complaints: string[] = []
  async function open(path = '/', { as, at = url, width = 1280, colorScheme = 'light' }: OpenOptions = {}) {
    const viewport = { width, height: 800 }
    const context = await browser.newContext({ viewport, colorScheme, locale: 'en-GB', timezoneId: 'Asia/Kolkata' })
    await context.grantPermissions(['clipboard-read', 'clipboard-write'])
    context.setDefaultTimeout(PATIENCE_MILLISECONDS)
    const page = await context.newPage()
    opened.push(page)
    await listen(page, at, others, (text) => complaints.push(text))
    if (as) {
      const cookie = {
        name: 'keyhall',
        value: await signIn(server, as),
        url: at,
        httpOnly: true,
        sameSite: 'Strict' as const,
      }
      await context.addCookies([cookie])
    }
    await page.goto(`${at}/console${path}`)
    await page.waitForSelector('h1')
    return page
  }
  return {
    console: { server, url, smtp, open },
    /** Closes what was opened, and answers what pages complained of. */
    async close() {
      await Promise.all(opened.splice(0).map((page) => page.context().close()))
      return complaints.splice(0)
    },
    async stop() {
      await socket.stop(true)
      await server.stop()
      await smtp.stop()
      await stop()
    },
  }
}

/**
 * Tells of everything that no page of the console may do. Pages of others, to which one may be led,
 * do as they like.
 */
async function listen(page: Page, own: string, others: readonly string[], complain: (text: string) => void) {
  const isAt = (url: string, places: readonly string[]) => places.some((place) => url.startsWith(`${place}/`))
  const isElsewhere = () => isAt(page.url(), others)
  await page.exposeFunction('tellOfViolation', complain)
  await page.addInitScript(() =>
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sample }) =>
      (globalThis as any).tellOfViolation(`policy: ${violatedDirective} ${blockedURI} ${sample}`),
    ),
  )
  page.on('pageerror', (error) => complain(`error: ${error.stack ?? error}`))
  page.on('console', (message) => {
    // Chromium reports every answer that is an error; pages show those in words.
    const { pathname } = URL.parse(message.location().url) ?? { pathname: '' }
    const isRefusal = message.text().startsWith('Failed to load') && /^\/(v1|console\/oidc)\//.test(pathname)
    if (!isElsewhere() && !['log', 'info', 'debug'].includes(message.type()) && !isRefusal)
      complain(`console: ${message.text()}`)
  })
  page.on('request', (request) => {
    const isLedThere = isElsewhere() || (request.isNavigationRequest() && isAt(request.url(), others))
    if (!isAt(request.url(), [own]) && !isLedThere) complain(`request to ${request.url()}`)
  })
}

/**
 * Signs a person in without the page for it: people who own no admin key sign in by mail or by
 * their identity provider, of which nothing depends here.
 */
async function signIn({ database, context, world, organization_id }: TestServer, user_id: string): Promise<string> {
  let token: string | null = null
  const call = {
    keys: context.keys,
    world,
    now: seconds(world),
    newId: (prefix: string) => newId(prefix, world),
    organization_id,
    ip_address: '192.0.2.1',
    user_agent: 'Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0.0.0',
    keepSession: (made: string | null) => void (token = made),
    record: () => {},
  }
  await database.write((db) => startSession({ ...call, db }, { user_id, method: 'link' }))
  return token!
}

const axe = await Bun.file(Bun.resolveSync('axe-core/axe.min.js', import.meta.dir)).text()

/** Below 48rem and above 60rem, pages are laid out alike: axe looks at one width of each. */
const LAYOUTS = [320, 1280]

/**
 * Looks at a page as it is now in dark and light, at the widths of desks, a phone, and a desk at
 * 400 % zoom: axe finds nothing, and nothing must be scrolled sideways.
 */
export async function expectGoodLooks(page: Page) {
  if (await page.evaluate(() => !('axe' in globalThis))) await page.evaluate(axe)
  for (const width of [320, 360, 1000, 1280]) {
    await page.setViewportSize({ width, height: width === 320 ? 256 : 800 })
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
    expect({ width, wider }).toEqual({ width, wider: 0 })
    if (!LAYOUTS.includes(width)) continue
    for (const colorScheme of ['dark', 'light'] as const) {
      await page.emulateMedia({ colorScheme })
      const found = (await page.evaluate(
        `axe.run({ resultTypes: ['violations'] }).then(({ violations }) => violations.flatMap(({ id, nodes }) =>
          nodes.map(({ html, failureSummary }) => id + ': ' + html + ' ' + failureSummary)))`,
      )) as string[]
      expect({ colorScheme, width, found }).toEqual({ colorScheme, width, found: [] })
    }
  }
}
