/** What is counted of limits and money: refusals, and what is spent and reserved this month. */
import { NANO_PER_CENT } from '../contract/money.ts'
import type { Database } from '../database/types.ts'
import type { LimitRefusals } from '../gateway/meter/refusal-counts.ts'
import type { ResultWatch } from '../gateway/meter/result-watch.ts'
import { presentMonth } from '../ledger/budget-status.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { MOST_SERIES } from '../ledger/series-rows.ts'
import type { Metrics } from '../metrics/metrics.ts'

const NANO_PER_DOLLAR = NANO_PER_CENT * 100

interface Measured {
  database: Database
  ledger: Ledger
  results: Pick<ResultWatch, 'boundBroken' | 'estimated'>
  refusals: LimitRefusals
}

export function measureLimits(metrics: Metrics, { database, ledger, results, refusals }: Measured) {
  metrics.add({
    name: 'keyhall_limit_refusals_total',
    about: 'Requests that this server refused because of a limit or the permitted models of their project, by reason.',
    kind: 'counter',
    label: 'reason',
    read: () => refusals.counts,
  })
  metrics.add({
    name: 'keyhall_limit_waits_total',
    about:
      'Requests that waited for the database before they were admitted or refused, because what this server held of their limits did not suffice.',
    kind: 'counter',
    read: () => ledger.counts.waited,
  })
  metrics.add({
    name: 'keyhall_estimated_requests_total',
    about:
      'Requests whose usage is estimated because no upstream reported it, also those of servers that died. A lower bound: those of a write that the database never confirmed are missing here, and are in the reports if it was made.',
    kind: 'counter',
    read: () => ledger.counts.estimated + results.estimated,
  })
  metrics.add({
    name: 'keyhall_bound_broken_total',
    about: 'Requests that cost more than they could at most, so that a spend limit may be passed; see the log.',
    kind: 'counter',
    read: () => ledger.counts.boundBroken + results.boundBroken,
  })
  metrics.add({
    name: 'keyhall_late_settlements_total',
    about: 'Requests that ended after the database had taken this server for dead and settled them at their bound.',
    kind: 'counter',
    read: () => ledger.counts.lateSettlements,
  })
  let lastSeries = 0
  metrics.add({
    name: 'keyhall_usage_series',
    about: `Combinations of key, model, service tier and the like that were used this month (UTC), of the organization with most; from ${MOST_SERIES} on, names that clients chose are counted as other.`,
    kind: 'gauge',
    read: async () => (lastSeries = await mostSeries(database).catch(() => lastSeries)),
  })
  let last = { settled: 0, reserved: 0, burned: 0 }
  metrics.add({
    name: 'keyhall_spend_dollars',
    about:
      'Money of this month (UTC) in the database that all servers share, the last known where it does not answer: settled, reserved for what runs and to hand out, and burned by servers that died.',
    kind: 'gauge',
    label: 'state',
    read: async () => (last = await spendOf(database).catch(() => last)),
  })
}

async function mostSeries({ read, engine }: Database) {
  const month = await presentMonth(read, engine)
  const { most } = await read
    .selectFrom('usage_series_counts')
    .select(({ fn }) => fn.max('series').as('most'))
    .where('month', '=', month)
    .executeTakeFirstOrThrow()
  return most ?? 0
}

/** Of all organizations, in dollars. */
async function spendOf({ read, engine }: Database) {
  const month = await presentMonth(read, engine)
  const rows = await read
    .selectFrom('budgets')
    .select(['settled', 'reserved', 'burned'])
    .where('project_id', '=', '')
    .where('month', '=', month)
    .execute()
  const sum = (what: 'settled' | 'reserved' | 'burned') =>
    rows.reduce((sum, row) => sum + row[what], 0) / NANO_PER_DOLLAR
  return { settled: sum('settled'), reserved: sum('reserved'), burned: sum('burned') }
}
