/**
 * The log: readable lines on a terminal, one JSON object per line otherwise. Lines are written
 * together, so that no request waits.
 */
import type { RequestLine } from '../http/request-line.ts'
import { printable } from '../world/printable.ts'
import type { World } from '../world/world.ts'
import { levels, type Level } from './config.ts'

const FLUSH_MILLISECONDS = 50

interface LogOptions {
  level: Level
  write: (text: string) => void
  world: Pick<World, 'now'>
  /** For people on a terminal. */
  readable?: boolean
}

export class Log {
  readonly #level: Level
  readonly #write: (text: string) => void
  readonly #world: Pick<World, 'now'>
  readonly #readable: boolean
  #waiting: string[] = []
  #timer: ReturnType<typeof setTimeout> | null = null
  #now = Number.NaN
  #text = ''

  constructor({ level, write, world, readable = false }: LogOptions) {
    this.#level = level
    this.#write = write
    this.#world = world
    this.#readable = readable
  }

  /** What happened to the server itself. `details` may hold nothing secret. */
  say(level: Exclude<Level, 'silent'>, message: string, details: Record<string, unknown> = {}) {
    if (!this.#shows(level)) return
    const time = this.#time()
    if (!this.#readable) return this.#put(JSON.stringify({ time, level, message, ...details }))
    const extra = Object.entries(details).map(
      ([name, value]) => ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
    )
    this.#put(printable(`${clock(time)} ${level.padEnd(5)} ${message}${extra.join('')}`))
  }

  /**
   * A request that was answered. Those that come by themselves every few seconds are for debugging.
   */
  request(line: RequestLine) {
    const level = levelOf(line)
    if (!this.#shows(level)) return
    const time = this.#time()
    this.#put(this.#readable ? readableLine(line, time) : jsonLine(line, time, level))
  }

  /** Writes the lines that wait; called at the end. */
  flush() {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    if (this.#waiting.length === 0) return
    const text = this.#waiting.join('\n') + '\n'
    this.#waiting = []
    this.#write(text)
  }

  #put(line: string) {
    this.#waiting.push(line)
    this.#timer ??= setTimeout(() => this.flush(), FLUSH_MILLISECONDS)
  }

  #shows(level: Level) {
    return levels.indexOf(level) >= levels.indexOf(this.#level)
  }

  /** Lines of the same millisecond share its text. */
  #time() {
    const now = this.#world.now()
    if (now !== this.#now) this.#text = new Date((this.#now = now)).toISOString()
    return this.#text
  }
}

function levelOf({ component, operation, status }: RequestLine): Level {
  if (component === 'probe') return 'debug'
  if (status >= 500) return 'error'
  return operation === 'health' ? 'debug' : 'info'
}

/**
 * The path and the model come from callers, the cause from upstreams, so control characters in them
 * are replaced.
 */
function readableLine(line: RequestLine, time: string): string {
  const { status, method, path, request_id, forwarded, cause } = line
  const to = forwarded?.upstream ? ` ${JSON.stringify(forwarded.model ?? '-')} at ${forwarded.upstream}` : ''
  const head = printable(
    `${clock(time)} ${status} ${method.padEnd(6)} ${path} ${rounded(line.milliseconds)} ms ${request_id}${to}`,
  )
  return cause === undefined ? head : [head, ...describe(cause).split('\n').map(printable)].join('\n')
}

/**
 * Written member by member, because spreading the two objects would cost more than writing the
 * line.
 */
const jsonLine = (line: RequestLine, time: string, level: Level) =>
  JSON.stringify({
    time,
    level,
    message: 'request',
    request_id: line.request_id,
    component: line.component,
    method: line.method,
    path: line.path,
    operation: line.operation,
    status: line.status,
    organization_id: line.organization_id,
    project_id: line.component === 'admin' ? undefined : line.project_id,
    key_id: line.key_id,
    ip_address: line.ip_address,
    model: line.forwarded?.model,
    upstream: line.forwarded?.upstream,
    upstream_milliseconds: line.forwarded?.upstream_milliseconds,
    upstream_request_id: line.forwarded?.upstream_request_id ?? undefined,
    failed_attempts: line.forwarded?.failed_attempts ?? undefined,
    ended: line.forwarded?.ended,
    milliseconds: rounded(line.milliseconds),
    cause: line.cause === undefined ? undefined : describe(line.cause),
  })

const clock = (time: string) => time.slice(11, 19)

const rounded = (milliseconds: number) => Math.round(milliseconds * 100) / 100

/**
 * An error with its stack, and what it was caused by. Our errors and the engines' carry no secrets:
 * keys are hashed before storage.
 */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return `${error.stack ?? error.message}${error.cause ? `\ncaused by ${describe(error.cause)}` : ''}`
}
