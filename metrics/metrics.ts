/**
 * The metrics of the server, in Prometheus' format. No label takes a value that a caller chooses:
 * no keys, no paths, and only those models that the configuration names.
 */
import { Counter, Gauge, Registry } from 'prom-client'
import { signInMethods } from '../contract/sessions.ts'
import type { CountSignIn, ForwardedLine, RequestLine } from '../http/request-line.ts'
import { processMetrics, registerProcessMetrics } from './process-metrics.ts'
import { Durations, Tally } from './tally.ts'

/**
 * A number that another part of the server keeps, read when Prometheus asks: one value, or one for
 * each value of `label`.
 */
export interface Reading {
  name: `keyhall_${string}`
  about: string
  /** A counter only grows; a gauge also falls. */
  kind: 'counter' | 'gauge'
  label?: string
  read: () => Values | Promise<Values>
}

type Values = number | Readonly<Record<string, number>>

const QUICK = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]
const SLOW = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600]
const MILLISECONDS = 1000

const labelOf: Record<NonNullable<ForwardedLine['ended']>, string> = {
  whole: 'whole',
  'client left': 'client_left',
  'key revoked': 'key_revoked',
  'server stopped': 'server_stopped',
  'upstream stalled': 'upstream_stalled',
  'upstream broke off': 'upstream_broke_off',
}

export class Metrics {
  readonly #registry = new Registry()
  readonly #requests = new Tally(this.#registry, 'keyhall_requests_total', 'Answered requests.', [
    'component',
    'operation',
    'status',
  ])
  readonly #adminSeconds = new Durations(
    this.#registry,
    'keyhall_admin_request_seconds',
    'How long calls of the Administration API took.',
    QUICK,
  )
  readonly #modelRequests = new Tally(
    this.#registry,
    'keyhall_model_requests_total',
    'Model requests by upstream, by model where the configuration names it, and by how the answer ended.',
    ['upstream', 'model', 'ended'],
  )
  readonly #firstByteSeconds = new Durations(
    this.#registry,
    'keyhall_upstream_first_byte_seconds',
    'From the first attempt until the head of an upstream’s answer was here.',
    SLOW,
    'upstream',
  )
  readonly #modelSeconds = new Durations(
    this.#registry,
    'keyhall_model_request_seconds',
    'From the arrival of a model request to the last byte of its answer.',
    SLOW,
    'upstream',
  )
  readonly #storageErrors = new Tally(
    this.#registry,
    'keyhall_storage_errors_total',
    'Requests and writes that failed because of the storage, by error code.',
    ['code'],
  )
  readonly #signIns = new Tally(
    this.#registry,
    'keyhall_sign_ins_total',
    'Tries to sign in to the console, by method and by result: `succeeded`, `failed`, or `limited`, because the address had failed too often. The body of a limited try is not read: where it would name the method, that is `unread`.',
    ['method', 'result'],
  )
  readonly #namedModels: () => ReadonlySet<string>

  /** `namedModels` says which models the configuration names; all others are counted as `other`. */
  constructor(version: string, namedModels: () => ReadonlySet<string>) {
    this.#namedModels = namedModels
    this.add({
      name: 'keyhall_info',
      about: 'The version.',
      kind: 'gauge',
      label: 'version',
      read: () => ({ [version]: 1 }),
    })
    for (const method of signInMethods) for (const result of ['succeeded', 'failed']) this.#signIns.show(method, result)
    for (const method of ['oidc', 'unread']) this.#signIns.show(method, 'limited')
    registerProcessMetrics(this.#registry)
  }

  /** Adds what another part of the server counts. */
  add(reading: Reading) {
    this.#registry.registerMetric(reading.kind === 'gauge' ? gaugeOf(reading) : counterOf(reading))
  }

  /** Counts a try to sign in. */
  readonly countSignIn: CountSignIn = (method, result) => this.#signIns.add(method, result)

  /** Counts an error of storage, by its code. */
  storageFailed(code: string) {
    this.#storageErrors.add(code)
  }

  /**
   * Counts an answered request. Probes are not counted: their answers say nothing about callers.
   */
  count({ component, operation, status, milliseconds, forwarded, storage_error }: RequestLine) {
    if (component === 'probe') return
    this.#requests.add(component, operation ?? 'none', status)
    if (storage_error !== null) this.#storageErrors.add(storage_error)
    if (component === 'admin') this.#adminSeconds.observe(milliseconds / MILLISECONDS)
    if (forwarded) this.#countForwarded(forwarded, milliseconds)
  }

  #countForwarded({ upstream, model, ended, upstream_milliseconds }: ForwardedLine, milliseconds: number) {
    if (upstream === null) return
    const name = model !== null && this.#namedModels().has(model) ? model : 'other'
    this.#modelRequests.add(upstream, name, ended === null ? 'no_answer' : labelOf[ended])
    this.#modelSeconds.observe(milliseconds / MILLISECONDS, upstream)
    if (upstream_milliseconds !== null) this.#firstByteSeconds.observe(upstream_milliseconds / MILLISECONDS, upstream)
  }

  /** Every metric but those of the process, for the reference. */
  get all(): { name: string; type: string; labels: readonly string[]; about: string }[] {
    const own = this.#registry.getMetricsAsArray().filter(({ name }: { name: string }) => !(name in processMetrics))
    return own.map((metric) => {
      const { name, help, labelNames = [] } = metric as unknown as { name: string; help: string; labelNames?: string[] }
      const type = metric instanceof Counter ? 'counter' : metric instanceof Gauge ? 'gauge' : 'histogram'
      return { name, type, labels: labelNames, about: help }
    })
  }

  /** The page that Prometheus asks for. */
  async page(): Promise<Response> {
    return new Response(await this.#registry.metrics(), {
      headers: { 'content-type': this.#registry.contentType, 'cache-control': 'no-store' },
    })
  }
}

const gaugeOf = (reading: Reading) =>
  new Gauge({
    ...optionsOf(reading),
    async collect() {
      const samples = samplesOf(reading, await reading.read())
      this.reset()
      for (const [labels, value] of samples) this.set(labels, value)
    },
  })

const counterOf = (reading: Reading) =>
  new Counter({
    ...optionsOf(reading),
    async collect() {
      const samples = samplesOf(reading, await reading.read())
      this.reset()
      for (const [labels, value] of samples) this.inc(labels, value)
    },
  })

const optionsOf = ({ name, about, label }: Reading) => ({
  name,
  help: about,
  labelNames: label ? [label] : [],
  registers: [],
})

function samplesOf({ label }: Reading, now: Values): [labels: Record<string, string>, value: number][] {
  if (typeof now === 'number') return [[{}, now]]
  return Object.entries(now).map(([value, count]) => [{ [label!]: value }, count])
}
