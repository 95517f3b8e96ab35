/**
 * The page of all keys in a real Chromium, with a thousand keys and with a million: how long until
 * it is interactive, on processors that are slowed down, and what its first load weighs.
 */
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { chromium, type Browser, type CDPSession, type Page } from 'playwright-core'
import { chromium as executablePath } from '../test/chromium.ts'
import { filled, type Filled } from './filled.ts'
import { median, startServer, type Server } from './load.ts'

const ROUNDS = 7
const SLOWER = [1, 4, 6]
/** A laptop in an office: 20 Mbit/s down, 5 Mbit/s up, 20 ms there and back. */
const network = { offline: false, latency: 20, downloadThroughput: 2_500_000, uploadThroughput: 625_000 }
/** How long nothing may keep the page busy before it counts as interactive. */
const QUIET_MILLISECONDS = 500
const root = join(import.meta.dir, '..')

interface Load {
  /** Milliseconds from the navigation until rows are shown and nothing keeps the page busy. */
  interactive: number
  /** Milliseconds from a click on a filter until its rows are shown. */
  filtered: number
  /** Milliseconds of processor time of the page's main thread until then, not slowed down. */
  busy: number
  /** Compressed bytes of the console's own files, and of answers of the API. */
  files: number
  answers: number
}

export async function run() {
  if (!executablePath) throw new Error('The benchmark needs a Chromium; TEST_CHROMIUM names one.')
  const databases = { thousand: await filled(10), million: await filled(10_000) }
  console.log(`Bun ${Bun.version}, ${process.platform} ${process.arch}, ${cpus().length} × ${cpus()[0]?.model}`)
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  console.log(
    `Chromium ${browser.version()}; ${ROUNDS} loads without a cache, medians; load ${loadavg()[0]?.toFixed(1)}`,
  )
  console.log('  keys      processor  interactive  fastest  a filter  main thread  files     answers')
  for (const [size, of] of Object.entries(databases)) {
    const server = await serve(of)
    try {
      await measureAll(browser, server, of, size)
    } finally {
      await server.stop()
    }
  }
  await browser.close()
}

const serve = (of: Filled): Promise<Server> =>
  startServer(
    [join(root, 'main.ts'), 'serve'],
    { KEYHALL_DATABASE: of.database, KEYHALL_PEPPER: of.pepper, KEYHALL_PORT: '0' },
    join(of.folder, 'keyhall.log'),
  )

async function measureAll(browser: Browser, server: Server, { admin_key }: Filled, size: string) {
  const url = `http://127.0.0.1:${server.port}`
  const cookie = await signIn(url, admin_key)
  for (const slower of SLOWER) {
    const loads: Load[] = []
    // The first load builds the console and fills the caches of the server; it does not count.
    for (let round = -1; round < ROUNDS; round++) {
      const load = await measure(browser, url, cookie, slower)
      if (round >= 0) loads.push(load)
    }
    const of = (name: keyof Load) => median(loads.map((load) => load[name]))
    const fastest = Math.min(...loads.map(({ interactive }) => interactive))
    const cells = [
      size.padEnd(9),
      `${slower}x slower`.padEnd(10),
      `${of('interactive').toFixed(0)} ms`.padStart(11),
      `${fastest.toFixed(0)} ms`.padStart(7),
      `${of('filtered').toFixed(0)} ms`.padStart(9),
      `${of('busy').toFixed(0)} ms`.padStart(12),
      `${(of('files') / 1000).toFixed(1)} kB`.padStart(8),
      `${(of('answers') / 1000).toFixed(1)} kB`.padStart(10),
    ]
    console.log(`  ${cells.join(' ')}`)
  }
}

/** A session, as the console begins one with an admin key. */
async function signIn(url: string, admin_key: string) {
  const headers = { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin', origin: url }
  const response = await fetch(`${url}/v1/organization/sessions`, {
    method: 'POST',
    headers: { ...headers, 'x-keyhall-console': '1' },
    body: JSON.stringify({ admin_key }),
  })
  const [pair] = response.headers.get('set-cookie')?.split(';') ?? []
  if (!pair) throw new Error(`Signing in answered ${response.status}: ${await response.text()}`)
  const [name, value] = pair.split('=') as [string, string]
  return { name, value, url, httpOnly: true, sameSite: 'Strict' as const }
}

async function measure(browser: Browser, url: string, cookie: Cookie, slower: number): Promise<Load> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
  try {
    await context.addCookies([cookie])
    const page = await context.newPage()
    await page.addInitScript(watchRows)
    const session = await context.newCDPSession(page)
    const weight = await weigh(session)
    await session.send('Performance.enable', { timeDomain: 'threadTicks' })
    await session.send('Emulation.setCPUThrottlingRate', { rate: slower })
    await page.goto(`${url}/console/keys`, { waitUntil: 'commit' })
    // Nothing is asked of the page meanwhile, because that would keep it busy too.
    const interactive = await page.evaluate(whenQuiet, QUIET_MILLISECONDS)
    const { metrics } = await session.send('Performance.getMetrics')
    const busy = metrics.find(({ name }) => name === 'TaskDuration')!.value * 1000
    const [files, answers] = [weight('/console/'), weight('/v1/')]
    return { interactive, filtered: await filter(page), busy, files, answers }
  } finally {
    await context.close()
  }
}

type Cookie = Awaited<ReturnType<typeof signIn>>

/** Adds up what is loaded, as it comes over the network. */
async function weigh(session: CDPSession) {
  const paths = new Map<string, string>()
  const bytes = new Map<string, number>()
  session.on('Network.requestWillBeSent', ({ requestId, request }) =>
    paths.set(requestId, new URL(request.url).pathname),
  )
  session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => bytes.set(requestId, encodedDataLength))
  await session.send('Network.enable')
  await session.send('Network.emulateNetworkConditions', network)
  return (below: string) =>
    [...bytes].reduce((sum, [id, length]) => sum + (paths.get(id)?.startsWith(below) ? length : 0), 0)
}

/** Runs in the page, before its own code: notes when rows are shown, and when it was busy last. */
function watchRows() {
  const rows = { shown: 0, interactive: 0 }
  Object.assign(globalThis, { rows })
  const note = () => {
    if (rows.shown > 0 || !document.querySelector('tbody tr')) return
    rows.shown = -1
    requestAnimationFrame(() => setTimeout(() => (rows.interactive = rows.shown = performance.now())))
  }
  new MutationObserver(note).observe(document, { subtree: true, childList: true })
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) rows.interactive = Math.max(rows.interactive, task.startTime + task.duration)
  }).observe({ type: 'longtask', buffered: true })
}

/** Runs in the page: answers when it became interactive, in milliseconds since the navigation. */
async function whenQuiet(milliseconds: number): Promise<number> {
  const { rows } = globalThis as unknown as { rows: { shown: number; interactive: number } }
  while (rows.shown <= 0 || performance.now() < rows.interactive + milliseconds)
    await new Promise((resolve) => setTimeout(resolve, milliseconds / 2))
  return rows.interactive
}

/** How long a filter takes that was clicked on. */
const filter = (page: Page): Promise<number> =>
  page.evaluate(
    () =>
      new Promise((resolve) => {
        const button = [...document.querySelectorAll('button')].find(
          (one) => one.textContent === 'Not used for 90 days',
        )!
        const began = performance.now()
        const before = document.querySelector('tbody tr')?.textContent
        const isNew = () =>
          document.querySelector('table')?.getAttribute('aria-busy') === 'false' &&
          document.querySelector('tbody tr')?.textContent !== before
        new MutationObserver((_, observer) => {
          if (!isNew()) return
          observer.disconnect()
          requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - began)))
        }).observe(document, { subtree: true, childList: true, attributes: true, characterData: true })
        button.click()
      }),
  )
