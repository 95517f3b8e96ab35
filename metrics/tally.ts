/**
 * Numbers that are counted on each request. They are plain fields, given to prom-client when
 * Prometheus asks, because its own counters cost several microseconds each.
 */
import { Counter, type Metric, type Registry } from 'prom-client'

interface Cell {
  labels: Record<string, string | number>
  count: number
}

/** A counter with up to three labels. */
export class Tally<const Names extends readonly string[]> {
  readonly #names: Names
  readonly #cells = new Map<string | number, Map<string | number, Map<string | number, Cell>>>()

  constructor(registry: Registry, name: `keyhall_${string}`, help: string, labelNames: Names) {
    this.#names = labelNames
    const cells = () => this.#all()
    registry.registerMetric(
      new Counter({
        name,
        help,
        labelNames: [...labelNames],
        registers: [],
        collect() {
          this.reset()
          for (const { labels, count } of cells())
            this.inc(labels as Partial<Record<Names[number], string | number>>, count)
        },
      }),
    )
  }

  *#all() {
    for (const second of this.#cells.values()) for (const third of second.values()) yield* third.values()
  }

  /** Shows a count of 0 until the first, so that an increase from nothing is seen as one. */
  show(first: string | number, second: string | number = '', third: string | number = '') {
    if (!this.#cells.get(first)?.get(second)?.get(third)) this.#make(first, second, third)
  }

  /** Counts one more. Values in the order of the names. */
  add(first: string | number, second: string | number = '', third: string | number = '') {
    const cell = this.#cells.get(first)?.get(second)?.get(third) ?? this.#make(first, second, third)
    cell.count++
  }

  #make(...values: [string | number, string | number, string | number]): Cell {
    const labels = Object.fromEntries(this.#names.map((name, at) => [name, values[at]!]))
    const seconds = this.#cells.getOrInsertComputed(values[0], () => new Map())
    const thirds = seconds.getOrInsertComputed(values[1], () => new Map<string | number, Cell>())
    return thirds.getOrInsertComputed(values[2], () => ({ labels, count: 0 }))
  }
}

interface Row {
  /** One for each bound, and one for values above the last. */
  counts: number[]
  sum: number
}

/** A histogram of durations in seconds, with at most one label. */
export class Durations {
  readonly #bounds: readonly number[]
  readonly #rows = new Map<string, Row>()

  constructor(registry: Registry, name: `keyhall_${string}`, help: string, bounds: readonly number[], label?: string) {
    this.#bounds = bounds
    if (!label) this.#make('')
    const metric = {
      name,
      help,
      labelNames: label ? [label] : [],
      type: 'histogram',
      aggregator: 'sum',
      get: () =>
        Promise.resolve({ name, help, type: 'histogram', aggregator: 'sum', values: this.#values(name, label) }),
    }
    // Has all members that the registry uses.
    registry.registerMetric(metric as unknown as Metric)
  }

  observe(seconds: number, of = '') {
    const row = this.#rows.get(of) ?? this.#make(of)
    const bounds = this.#bounds
    let at = 0
    while (at < bounds.length && seconds > bounds[at]!) at++
    row.counts[at]!++
    row.sum += seconds
  }

  #make(of: string): Row {
    const row = { counts: [...this.#bounds, Infinity].map(() => 0), sum: 0 }
    this.#rows.set(of, row)
    return row
  }

  #values(name: string, label: string | undefined) {
    return [...this.#rows].flatMap(([of, { counts, sum }]) => {
      const labels: Record<string, string | number> = label ? { [label]: of } : {}
      let upTo = 0
      const buckets = counts.map((count, at) => ({
        metricName: `${name}_bucket`,
        labels: { le: this.#bounds[at] ?? '+Inf', ...labels },
        value: (upTo += count),
      }))
      return [
        ...buckets,
        { metricName: `${name}_sum`, labels, value: sum },
        { metricName: `${name}_count`, labels, value: upTo },
      ]
    })
  }
}
