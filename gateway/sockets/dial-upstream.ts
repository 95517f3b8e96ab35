/** Opens a WebSocket to an upstream: our own client, because its refusal is passed on. */
import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import type { World } from '../../world/world.ts'

/** Of a refusal and its body. */
const LONGEST_HEAD = 16 * 1024
const LONGEST_REFUSAL = 64 * 1024
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

export interface OpenSocket {
  socket: Socket
  /** The sub-protocol that the upstream chose; null without any. */
  protocol: string | null
  headers: Headers
  /** What came behind the head of its answer. */
  first: Buffer
}

/** What an upstream answers: a socket, or another answer than 101. */
export type Dialled = OpenSocket | { refusal: Response }

interface Dialling {
  /** Its address, with http or https. */
  url: string
  headers: Record<string, string>
  protocols: readonly string[]
  signal: AbortSignal
}

/** Throws when the upstream cannot be reached, or answers what is no HTTP. */
export const dialUpstream = (world: World, dialling: Dialling): Promise<Dialled> => new Dial(world, dialling).answer

/** One attempt, until the head of the upstream's answer, or all of a refusal, is here. */
class Dial {
  readonly #dialling: Dialling
  readonly #key: string
  readonly #socket: Socket
  readonly #result = Promise.withResolvers<Dialled>()
  #heard = Buffer.alloc(0)

  constructor(world: World, dialling: Dialling) {
    const target = new URL(dialling.url)
    this.#dialling = dialling
    this.#key = Buffer.from(world.random(16)).toString('base64')
    this.#socket = world.dial(target)
    const head = headOf(target, { ...dialling.headers, 'sec-websocket-key': this.#key }, dialling.protocols)
    this.#socket.once(target.protocol === 'https:' ? 'secureConnect' : 'connect', () => this.#socket.write(head))
    this.#socket.on('data', this.#take).on('close', this.#ended).on('error', this.#fail)
    dialling.signal.addEventListener('abort', this.#giveUp)
  }

  get answer() {
    return this.#result.promise
  }

  readonly #fail = (error: Error) => {
    this.#letGo()
    this.#socket.destroy()
    this.#result.reject(error)
  }

  readonly #giveUp = () => this.#fail(new Error('given up'))

  readonly #take = (piece: Buffer) => {
    this.#heard = Buffer.concat([this.#heard, piece])
    const end = this.#heard.indexOf('\r\n\r\n')
    if (end < 0) return this.#heard.length > LONGEST_HEAD ? this.#fail(new Error('answered no HTTP')) : undefined
    const head = readHead(this.#heard.toString('latin1', 0, end))
    if (!head) return this.#fail(new Error('answered no HTTP'))
    const rest = this.#heard.subarray(end + 4)
    if (head.status === 101) return this.#open(head.headers, rest)
    if (isWhole(head, rest) || rest.length > LONGEST_REFUSAL) this.#refuse(head, rest)
  }

  #open(headers: Headers, first: Buffer) {
    const wrong = whyNotOpen(headers, this.#key, this.#dialling.protocols)
    if (wrong) return this.#fail(new Error(wrong))
    this.#letGo()
    this.#socket.pause()
    const protocol = headers.get('sec-websocket-protocol')
    this.#result.resolve({ socket: this.#socket, headers, protocol, first })
  }

  #refuse({ status, headers }: Head, rest: Buffer) {
    this.#letGo()
    this.#socket.destroy()
    // `Response` takes no other status.
    if (status < 200 || status > 599) return this.#result.reject(new Error(`answered ${status}`))
    const body = headers.has('transfer-encoding') ? unchunked(rest) : rest
    const content = isWithoutBody(status) ? null : new Uint8Array(body)
    this.#result.resolve({ refusal: new Response(content, { status, headers }) })
  }

  readonly #ended = () => {
    const end = this.#heard.indexOf('\r\n\r\n')
    const head = end < 0 ? null : readHead(this.#heard.toString('latin1', 0, end))
    if (head && head.status !== 101) this.#refuse(head, this.#heard.subarray(end + 4))
    else this.#fail(new Error('closed the connection'))
  }

  #letGo() {
    this.#dialling.signal.removeEventListener('abort', this.#giveUp)
    this.#socket.off('data', this.#take).off('close', this.#ended).off('error', this.#fail)
    // An error without a listener would end the process.
    this.#socket.on('error', () => {})
  }
}

function headOf(url: URL, headers: Record<string, string>, protocols: readonly string[]): string {
  const all = {
    host: url.host,
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    ...headers,
    ...(protocols.length > 0 && { 'sec-websocket-protocol': protocols.join(', ') }),
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `GET ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join('')}\r\n`
}

interface Head {
  status: number
  headers: Headers
}

function readHead(text: string): Head | null {
  const [first = '', ...lines] = text.split('\r\n')
  const [, status] = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(first) ?? []
  if (status === undefined) return null
  const headers = new Headers()
  for (const line of lines) {
    const at = line.indexOf(':')
    try {
      headers.append(line.slice(0, at), line.slice(at + 1).trim())
    } catch {
      return null
    }
  }
  return { status: Number(status), headers }
}

function whyNotOpen(headers: Headers, key: string, protocols: readonly string[]): string | null {
  const accepted = createHash('sha1')
    .update(key + GUID)
    .digest('base64')
  if (headers.get('sec-websocket-accept') !== accepted) return 'answered 101 to another request'
  if (headers.get('upgrade')?.toLowerCase() !== 'websocket') return 'answered 101 for another protocol'
  if (headers.has('sec-websocket-extensions')) return 'chose an extension that was not offered'
  const protocol = headers.get('sec-websocket-protocol')
  return protocol === null || protocols.includes(protocol) ? null : 'chose a sub-protocol that was not offered'
}

const isWithoutBody = (status: number) => status === 204 || status === 205 || status === 304

/** Whether the body of a refusal is here; one without a length ends with its connection. */
function isWhole({ status, headers }: Head, rest: Buffer): boolean {
  if (isWithoutBody(status)) return true
  if (headers.has('transfer-encoding')) return rest.toString('latin1').endsWith('0\r\n\r\n')
  return rest.length >= Number(headers.get('content-length') ?? Number.NaN)
}

/** Of a short body in chunks, as far as it came. */
function unchunked(bytes: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; ;) {
    const end = bytes.indexOf('\r\n', at)
    const size = end < 0 ? 0 : Number.parseInt(bytes.toString('latin1', at, end), 16)
    if (!(size > 0)) return Buffer.concat(parts)
    parts.push(bytes.subarray(end + 2, end + 2 + size))
    at = end + 2 + size + 2
  }
}
