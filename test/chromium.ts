/**
 * A headless Chromium, driven over its DevTools protocol, for the tests that need a browser; null
 * where none is installed. The shell has no windows, tabs and menus of its own, and takes two
 * thirds of the processor time.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const chromium =
  process.env.TEST_CHROMIUM ??
  Bun.which('chromium-headless-shell') ??
  Bun.which('chromium') ??
  Bun.which('chromium-browser') ??
  Bun.which('google-chrome')

export interface Tab {
  /** What an expression comes to in the page; promises are waited for. */
  evaluate: (expression: string) => Promise<any>
  /** What the page complained of so far: errors, and what its policy forbade. */
  complaints: string[]
  close: () => Promise<void>
}

/** Opens an address and waits until it is loaded. */
export async function openTab(url: string): Promise<Tab> {
  const profile = mkdtempSync(join(tmpdir(), 'keyhall-chromium-'))
  const flags = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--remote-debugging-port=0',
    `--user-data-dir=${profile}`,
  ]
  const child = Bun.spawn([chromium!, ...flags, 'about:blank'], { stdout: 'ignore', stderr: 'pipe', stdin: 'ignore' })
  let socket: WebSocket | undefined
  const close = async () => {
    socket?.close()
    child.kill('SIGKILL')
    await child.exited
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    const browser = new URL(await addressIn(child.stderr))
    const pages = (await (await fetch(`http://${browser.host}/json`)).json()) as {
      type: string
      webSocketDebuggerUrl: string
    }[]
    socket = new WebSocket(pages.find(({ type }) => type === 'page')!.webSocketDebuggerUrl)
    const { send, on } = await talk(socket)
    const complaints: string[] = []
    on('Log.entryAdded', ({ entry }) => complaints.push(entry.text))
    on('Runtime.exceptionThrown', ({ exceptionDetails }) => complaints.push(exceptionDetails.text))
    const loaded = new Promise<void>((resolve) => on('Page.loadEventFired', () => resolve()))
    for (const domain of ['Page', 'Runtime', 'Log']) await send(`${domain}.enable`)
    await send('Page.navigate', { url })
    await loaded
    const evaluate = async (expression: string) => {
      const parameters = { expression, awaitPromise: true, returnByValue: true }
      const { result, exceptionDetails } = await send('Runtime.evaluate', parameters)
      if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails))
      return result.value
    }
    return { evaluate, complaints, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Where Chromium says that it can be driven. */
async function addressIn(stderr: ReadableStream<Uint8Array>): Promise<string> {
  let said = ''
  for await (const chunk of stderr) {
    said += Buffer.from(chunk).toString()
    const [, address] = /DevTools listening on (ws:\S+)/.exec(said) ?? []
    if (address) return address
  }
  throw new Error(`Chromium did not start: ${said}`)
}

async function talk(socket: WebSocket) {
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve, { once: true })
    socket.addEventListener('error', reject, { once: true })
  })
  const asked = new Map<number, (answer: any) => void>()
  const listeners = new Map<string, (parameters: any) => void>()
  let last = 0
  socket.addEventListener('message', ({ data }) => {
    const { id, result, error, method, params } = JSON.parse(String(data))
    if (id === undefined) listeners.get(method)?.(params)
    else asked.get(id)?.(result ?? { error })
  })
  return {
    on: (event: string, listener: (parameters: any) => void) => listeners.set(event, listener),
    send: (method: string, params: object = {}) =>
      new Promise<any>((resolve) => {
        const id = ++last
        asked.set(id, resolve)
        socket.send(JSON.stringify({ id, method, params }))
      }),
  }
}
