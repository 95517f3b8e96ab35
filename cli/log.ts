/** The log: readable lines on a terminal, one JSON object per line otherwise. Lines are written together, so that no request waits. */
import { levels, type Level } from '../config.ts'
import type { RequestLine } from '../http/request-line.ts'

const FLUSH_MILLISECONDS = 50

export interface Log {
  /** What happened to the server itself. `details` may hold nothing secret. */
  say: (level: Exclude<Level, 'silent'>, message: string, details?: Record<string, unknown>) => void
  request: (line: RequestLine) => void
  /** Writes what waits; asked at the end. */
  flush: () => void
}

export function openLog(
  level: Level,
  write: (text: string) => void,
  { readable = false, now = () => new Date() } = {},
): Log {
  const shows = (one: Level) => levels.indexOf(one) >= levels.indexOf(level)
  let waiting: string[] = []
  let timer: ReturnType<typeof setTimeout> | null = null
  const flush = () => {
    if (timer) clearTimeout(timer)
    timer = null
    if (waiting.length === 0) return
    const text = waiting.join('\n') + '\n'
    waiting = []
    write(text)
  }
  const put = (line: string) => {
    waiting.push(line)
    timer ??= setTimeout(flush, FLUSH_MILLISECONDS)
  }
  return {
    flush,
    say(one, message, details = {}) {
      if (!shows(one)) return
      const time = now().toISOString()
      if (!readable) return put(JSON.stringify({ time, level: one, message, ...details }))
      const extra = Object.entries(details).map(
        ([name, value]) => ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
      )
      put(`${time.slice(11, 19)} ${one.padEnd(5)} ${message}${extra.join('')}`)
    },
    request(line) {
      const { cause, milliseconds, forwarded } = line
      const one = line.status >= 500 ? 'error' : 'info'
      if (!shows(one)) return
      const time = now().toISOString()
      const took = Math.round(milliseconds * 100) / 100
      const why = cause === undefined ? undefined : describe(cause)
      if (readable) {
        const to = forwarded?.upstream ? ` ${JSON.stringify(forwarded.model ?? '-')} at ${forwarded.upstream}` : ''
        const tail = `${line.request_id}${to}${why ? `\n${why}` : ''}`
        put(`${time.slice(11, 19)} ${line.status} ${line.method.padEnd(6)} ${line.path} ${took} ms ${tail}`)
      } else
        put(
          // Member by member: spreading the two lines would cost more than writing them.
          JSON.stringify({
            time,
            level: one,
            message: 'request',
            request_id: line.request_id,
            method: line.method,
            path: line.path,
            operation: line.operation,
            status: line.status,
            organization_id: line.organization_id,
            project_id: line.half === 'admin' ? undefined : line.project_id,
            key_id: line.key_id,
            ip_address: line.ip_address,
            model: forwarded?.model,
            upstream: forwarded?.upstream,
            upstream_milliseconds: forwarded?.upstream_milliseconds,
            ended: forwarded?.ended,
            milliseconds: took,
            cause: why,
          }),
        )
    },
  }
}

/** An error with its stack, and what it was caused by. Our errors and the engines' carry no secrets: keys are hashed before storage. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return `${error.stack ?? error.message}${error.cause ? `\ncaused by ${describe(error.cause)}` : ''}`
}
