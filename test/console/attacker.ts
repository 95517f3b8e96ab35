/** Pages of somebody else, which a person has open beside the console. */
import type { Page } from 'playwright-core'

export interface Attacker {
  /**
   * The addresses of the pages: of the same site as 127.0.0.1, whose cookies a browser sends there
   * however strict they are, because sites have no ports; and of another site.
   */
  sameSite: string
  crossSite: string
  stop: () => Promise<void>
}

export function startAttacker(): Attacker {
  const page = '<!doctype html><html lang="en"><title>Prizes</title><body><h1>You have won</h1>'
  const answer = () => new Response(page, { headers: { 'content-type': 'text/html' } })
  const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: answer })
  const { port } = server
  return {
    sameSite: `http://127.0.0.1:${port}`,
    crossSite: `http://localhost:${port}`,
    stop: () => server.stop(true),
  }
}

/** Opens a page in the browser in which somebody is signed in. */
export async function openBeside(page: Page, address: string): Promise<Page> {
  const other = await page.context().newPage()
  await other.goto(address)
  return other
}

export interface Forged {
  method: string
  address: string
  body?: string
}

interface Way {
  call: (page: Page, forged: Forged) => Promise<unknown>
  /** The methods of the requests that reach the server, for one that is asked for. */
  sends: (method: string) => string[]
}

/** The ways in which a page makes a browser call another server. */
export const waysToCall: Record<string, Way> = {
  'a form': {
    sends: (method) => [method],
    call: (page, forged) =>
      page.evaluate(({ method, address, body = '' }) => {
        const frame = document.createElement('iframe')
        frame.name = `frame${document.forms.length}`
        const form = Object.assign(document.createElement('form'), { method, action: address, target: frame.name })
        form.enctype = 'text/plain'
        // A form of plain text sends "name=value": the last text in the JSON ends with "=".
        const field = Object.assign(document.createElement('input'), { type: 'hidden' })
        field.name = body.slice(0, -2)
        field.value = body.slice(-2)
        form.append(field)
        document.body.append(frame, form)
        form.submit()
      }, forged),
  },
  'a fetch without CORS': {
    sends: (method) => (method === 'DELETE' ? [] : [method]),
    call: (page, { method, address, body }) =>
      page.evaluate(
        ([url, init]) => fetch(url, { ...init, mode: 'no-cors', credentials: 'include' }).catch(() => 'refused'),
        [address, { method, body }] as const,
      ),
  },
  'a fetch with the header': {
    // The browser asks first whether it may, and may not.
    sends: () => ['OPTIONS'],
    call: (page, { method, address, body }) =>
      page.evaluate(
        ([url, init]) =>
          fetch(url, { ...init, credentials: 'include', headers: { 'x-keyhall-console': '1' } }).catch(() => 'refused'),
        [address, { method, body }] as const,
      ),
  },
  'a beacon': {
    sends: () => ['POST'],
    call: (page, { address, body = '' }) =>
      page.evaluate(([url, text]) => navigator.sendBeacon(url, text), [address, body] as const),
  },
  'an image, a script and a style sheet': {
    sends: () => ['GET', 'GET', 'GET'],
    call: (page, { address }) =>
      page.evaluate((url) => {
        const image = Object.assign(document.createElement('img'), { src: url })
        const script = Object.assign(document.createElement('script'), { src: url })
        const style = Object.assign(document.createElement('link'), { rel: 'stylesheet', href: url })
        document.head.append(image, script, style)
      }, address),
  },
  'a WebSocket': {
    sends: () => ['GET'],
    call: (page, { address }) => page.evaluate((url) => void new WebSocket(url.replace('http', 'ws')), address),
  },
}
