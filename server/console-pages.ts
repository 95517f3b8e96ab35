/** Serves the console below `/console/`. */
import { watch } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { unknownRoute, wrongMethod } from '../contract/errors.ts'
import { beginExchange, failure, respond, type Answer, type Reporting } from '../http/respond.ts'
import { loggablePath, rawPath } from '../http/url.ts'
import type { ConsoleFiles } from './console-build.ts'
import type { ConsoleSource } from './console-files.ts'

export interface ConsoleOptions {
  source: ConsoleSource
  /** The base URL for model requests; null where it is the console's own address and `/v1`. */
  gatewayUrl: () => string | null
  /** Tells open pages when the sources have changed. */
  reloads?: boolean
}

interface Asset {
  type: string
  plain: ArrayBuffer
  gzip: ArrayBuffer
}

/** Pages load nothing from elsewhere, run no code but ours, and can be framed by nobody. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': policy,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
}

export class ConsolePages {
  readonly #options: ConsoleOptions
  readonly #reporting: Reporting
  #files: ConsoleFiles | undefined
  /** Also those of earlier builds, which open pages may still ask for. */
  readonly #assets = new Map<string, Asset>()

  constructor(options: ConsoleOptions, reporting: Reporting) {
    this.#options = options
    this.#reporting = reporting
  }

  readonly fetch = async (request: Request): Promise<Response> => {
    const exchange = beginExchange('admin', request, this.#reporting, { operation: 'console' })
    try {
      return respond(exchange, await this.#answer(request))
    } catch (thrown) {
      return respond(exchange, failure(exchange, thrown))
    }
  }

  async #answer({ method, url, headers }: Request): Promise<Answer> {
    if (method !== 'GET' && method !== 'HEAD') throw wrongMethod(method, loggablePath(url), 'GET, HEAD')
    const path = rawPath(url).slice('/console'.length)
    // A relative address, because a proxy may serve it below a path of its own.
    if (path === '') return { status: 308, body: null, headers: { location: 'console/' } }
    await this.#load()
    const [, name] = /^\/assets\/([^/]*)$/.exec(path) ?? []
    if (name !== undefined) return this.#asset(name, headers) ?? notThere(method, url)
    if (path === '/reload' && this.#options.reloads) return this.#changes()
    return { body: this.#index(path), headers: pageHeaders }
  }

  async #load() {
    const files = await this.#options.source.read()
    if (this.#files === files) return
    this.#files = files
    for (const [name, text] of Object.entries(files.assets)) {
      const type = name.endsWith('.css') ? 'text/css' : 'text/javascript'
      const [plain, gzip] = [Buffer.from(text), gzipSync(text, { level: 9 })].map(arrayBuffer)
      this.#assets.set(name, { type: `${type}; charset=utf-8`, plain: plain!, gzip: gzip! })
    }
  }

  #asset(name: string, headers: Headers): Answer | null {
    const asset = this.#assets.get(name)
    if (!asset) return null
    const zips = /\bgzip\b(?!\s*;\s*q=0(\.0*)?(\s|,|$))/.test(headers.get('accept-encoding') ?? '')
    return {
      body: zips ? asset.gzip : asset.plain,
      headers: {
        'content-type': asset.type,
        'cache-control': 'public, max-age=31536000, immutable',
        'cross-origin-resource-policy': 'same-origin',
        vary: 'accept-encoding',
        ...(zips && { 'content-encoding': 'gzip' }),
      },
    }
  }

  /** The same page for every path: its script shows what the path names. */
  #index(path: string): string {
    const up = '../'.repeat(path.split('/').length - 2) || './'
    return this.#files!.index.replaceAll('{{console}}', up).replace('{{gateway}}', () =>
      escaped(this.#options.gatewayUrl() ?? ''),
    )
  }

  /** Events for pages that reload themselves: which files there are, now and after each change. */
  #changes(): Answer {
    const { source } = this.#options
    const say = async () => {
      await this.#load()
      return `data: ${Bun.hash(JSON.stringify(this.#files)).toString(36)}\n\n`
    }
    let stop = () => {}
    const body = new ReadableStream({
      async start(controller) {
        const tell = () => void say().then((text) => controller.enqueue(text), console.error)
        const watchers = source.folders.map((folder) => watch(folder, { recursive: true }, tell))
        stop = () => watchers.forEach((watcher) => watcher.close())
        tell()
      },
      cancel: () => stop(),
    })
    return { body, headers: { 'content-type': 'text/event-stream' } }
  }
}

function notThere(method: string, url: string): never {
  throw unknownRoute(method, loggablePath(url))
}

const arrayBuffer = ({ buffer, byteOffset, byteLength }: Buffer) =>
  buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')
