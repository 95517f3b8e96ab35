/**
 * Metrics of the process under their usual names, by prom-client's own collector. Of its metrics of
 * Node.js only the lag of the event loop is kept: the others are empty or meaningless in Bun.
 */
import { collectDefaultMetrics, Registry, type Metric } from 'prom-client'

const SAMPLE_MILLISECONDS = 50

interface ProcessMetric {
  type: 'counter' | 'gauge'
  about: string
}

const lag = (which: string): ProcessMetric => ({
  type: 'gauge',
  about: `${which} that the event loop was late since Prometheus last asked. One thread serves all requests, so this is what each of them waits.`,
})

/** Those of Linux; other systems have some of them. */
export const processMetrics: Readonly<Record<string, ProcessMetric>> = {
  process_cpu_user_seconds_total: { type: 'counter', about: 'CPU time of the process outside the kernel.' },
  process_cpu_system_seconds_total: { type: 'counter', about: 'CPU time of the process in the kernel.' },
  process_cpu_seconds_total: { type: 'counter', about: 'CPU time of the process, user and system.' },
  process_start_time_seconds: { type: 'gauge', about: 'When the process was started, in seconds since 1970.' },
  process_resident_memory_bytes: { type: 'gauge', about: 'Resident memory.' },
  process_virtual_memory_bytes: { type: 'gauge', about: 'Address space, most of it never used.' },
  process_heap_bytes: { type: 'gauge', about: 'Address space for data, most of it never used.' },
  process_open_fds: { type: 'gauge', about: 'Open file descriptors: connections, and files.' },
  process_max_fds: { type: 'gauge', about: 'How many file descriptors the process may open.' },
  nodejs_eventloop_lag_seconds: {
    type: 'gauge',
    about: 'How late the event loop was when Prometheus asked before.',
  },
  nodejs_eventloop_lag_mean_seconds: lag('The mean time'),
  nodejs_eventloop_lag_p99_seconds: lag('The time, by the 99th percentile,'),
  nodejs_eventloop_lag_max_seconds: lag('The longest time'),
}

/** There is one process, however many servers a test starts in it. */
let collected: Metric[] | null = null

export function registerProcessMetrics(registry: Registry) {
  collected ??= collect()
  for (const metric of collected) registry.registerMetric(metric)
}

function collect(): Metric[] {
  const all = new Registry()
  collectDefaultMetrics({ register: all, eventLoopMonitoringPrecision: SAMPLE_MILLISECONDS })
  return Object.keys(processMetrics)
    .map((name) => all.getSingleMetric(name))
    .filter((metric) => metric !== undefined)
}
