/** The page of all metrics, as the server registers them. */
import { Metrics } from '../../metrics/metrics.ts'
import { processMetrics } from '../../metrics/process-metrics.ts'
import { measureLimits } from '../../server/measure-limits.ts'
import { measure, measureCors, measureProbes } from '../../server/measure.ts'
import type { Page } from './page.ts'
import { table } from './schema.ts'

/** Stands for parts of the server: nobody reads what they count. */
const unread = {} as never

export function metricsPage(): Page {
  const metrics = new Metrics('', () => new Set())
  measure(metrics, unread)
  measureLimits(metrics, unread)
  measureCors(metrics, unread)
  measureProbes(metrics, unread)
  const ofProcess = Object.entries(processMetrics).map(([name, metric]) => ({ name, labels: [], ...metric }))
  const rows = [...metrics.all, ...ofProcess]
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
    .map(({ name, type, labels, about }) => [
      `\`${name}\``,
      type,
      labels.map((label) => `\`${label}\``).join(', ') || 'none',
      about,
    ])
  const text = `# Metrics

\`/metrics\` answers these in Prometheus' format, each server its own. Sum counters and histograms over all servers; those that are
read from the database are the same on each. No label has a value that a caller chooses: a model that the
configuration does not name is \`other\`. Those that begin with \`process_\` or \`nodejs_\` have the usual names; on other systems than Linux
some of them are missing. A histogram has \`_bucket\`, \`_sum\` and \`_count\` behind its name, in seconds.

${table(['metric', 'type', 'labels', 'meaning'], rows)}
`
  return { file: 'metrics.md', title: 'Metrics', about: 'what `/metrics` answers, for Prometheus.', text }
}
