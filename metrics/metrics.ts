/**
 * What the server counts about itself, in Prometheus' format. No label takes a value that a caller chooses: no keys, no paths, and of
 * models only those that the configuration names.
 */
import { Counter, Gauge, Registry } from 'prom-client'
import type { ForwardedLine, RequestLine } from '../http/request-line.ts'
import { Durations, Tally } from './tally.ts'

/** A number that somebody else keeps, read when it is asked for: one value, or one for each value of `label`. */
export interface Reading {
  name: `keyhall_${string}`
  about: string
  /** A counter only grows; a gauge also falls. */
  kind: 'counter' | 'gauge'
  label?: string
  read: () => number | Readonly<Record<string, number>>
}

export interface Metrics {
  /** Counts an answered request. */
  count: (line: RequestLine) => void
  /** Adds what another part of the server counts. */
  add: (reading: Reading) => void
  /** Counts what the storage did not do, by the code of the error. */
  storageFailed: (code: string) => void
  /** Web-standard: the page that Prometheus asks for. */
  fetch: (request: Request) => Promise<Response>
}

const QUICK = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]
const SLOW = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600]
const MILLISECONDS = 1000

const labelOf: Record<NonNullable<ForwardedLine['ended']>, string> = {
  whole: 'whole',
  'client left': 'client_left',
  'upstream stalled': 'upstream_stalled',
  'upstream broke off': 'upstream_broke_off',
}

/** `namedModels` says which models the configuration names; all others count as `other`. */
export function openMetrics(version: string, namedModels: () => ReadonlySet<string>): Metrics {
  const registry = new Registry()
  const requests = new Tally(registry, 'keyhall_requests_total', 'Answered requests.', ['half', 'operation', 'status'])
  const seconds = new Durations(
    registry,
    'keyhall_admin_request_seconds',
    'How long calls of the Administration API took.',
    QUICK,
  )
  const models = new Tally(
    registry,
    'keyhall_model_requests_total',
    'Model requests by upstream, by model where the configuration names it, and by how the answer ended.',
    ['upstream', 'model', 'ended'],
  )
  const firstByte = new Durations(
    registry,
    'keyhall_upstream_first_byte_seconds',
    'From the first attempt until the head of an upstream’s answer was here.',
    SLOW,
    'upstream',
  )
  const whole = new Durations(
    registry,
    'keyhall_model_request_seconds',
    'From the arrival of a model request to the last byte of its answer.',
    SLOW,
    'upstream',
  )
  const storage = new Tally(
    registry,
    'keyhall_storage_errors_total',
    'Requests and writes that failed because of the storage, by error code.',
    ['code'],
  )

  const add = ({ name, about, kind, label, read }: Reading) => {
    const options = { name, help: about, labelNames: label ? [label] : [], registers: [] }
    const collect = (set: (labels: Record<string, string>, value: number) => void) => {
      const now = read()
      if (typeof now === 'number') set({}, now)
      else for (const [value, count] of Object.entries(now)) set({ [label!]: value }, count)
    }
    const metric =
      kind === 'gauge'
        ? new Gauge({
            ...options,
            collect() {
              this.reset()
              collect((labels, value) => this.set(labels, value))
            },
          })
        : new Counter({
            ...options,
            collect() {
              this.reset()
              collect((labels, value) => this.inc(labels, value))
            },
          })
    registry.registerMetric(metric)
  }
  add({ name: 'keyhall_info', about: 'The version.', kind: 'gauge', label: 'version', read: () => ({ [version]: 1 }) })
  add({
    name: 'keyhall_memory_bytes',
    about: 'Resident memory.',
    kind: 'gauge',
    read: () => process.memoryUsage.rss(),
  })
  add({
    name: 'keyhall_cpu_seconds_total',
    about: 'CPU time of the process, user and system.',
    kind: 'counter',
    read: () => {
      const { user, system } = process.cpuUsage()
      return (user + system) / 1e6
    },
  })

  return {
    add,
    storageFailed: (code) => storage.add(code),
    count({ half, operation, status, milliseconds, forwarded, cause }) {
      requests.add(half, operation ?? 'none', status)
      if (cause !== undefined) {
        const { code } = (cause ?? {}) as { code?: unknown }
        if (typeof code === 'string' && /^(storage|audit)_/.test(code)) storage.add(code)
      }
      if (half === 'admin') seconds.observe(milliseconds / MILLISECONDS)
      if (!forwarded) return
      const { upstream, model, ended, upstream_milliseconds } = forwarded
      if (upstream === null) return
      const name = model !== null && namedModels().has(model) ? model : 'other'
      models.add(upstream, name, ended === null ? 'no_answer' : labelOf[ended])
      whole.observe(milliseconds / MILLISECONDS, upstream)
      if (upstream_milliseconds !== null) firstByte.observe(upstream_milliseconds / MILLISECONDS, upstream)
    },
    fetch: async () =>
      new Response(await registry.metrics(), {
        headers: { 'content-type': registry.contentType, 'cache-control': 'no-store' },
      }),
  }
}
