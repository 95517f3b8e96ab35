/** What the keys of the demo used in the last weeks, and what that cost. */
import type { BudgetRow } from '../../database/ledger-tables.ts'
import { costOf, monthOf, type Counts, type Series, type UsageKind, type UsageRow } from '../../ledger/usage-counts.ts'
import { DAY } from './calendar.ts'
import type { DemoKey } from './make-keys.ts'
import type { SeededRandom } from './seeded-random.ts'

/** Fewer than usage by the minute is kept. */
const DAYS_OF_USAGE = 40
/** Of the days of a key. */
const PERCENT_WITH_ESTIMATES = 5

interface Model {
  name: string
  kind: UsageKind
  /** Nano-dollars a token: a thousandth of the dollars per million. */
  input: number
  cached: number
  output: number
  /** Tokens of a request, on average. */
  tokens: [input: number, output: number]
}

const models: readonly Model[] = [
  { name: 'qwen3-32b', kind: 'completions', input: 400, cached: 100, output: 1200, tokens: [1800, 420] },
  { name: 'llama-3.3-70b', kind: 'completions', input: 700, cached: 200, output: 900, tokens: [2600, 310] },
  { name: 'gpt-oss-120b', kind: 'completions', input: 150, cached: 50, output: 600, tokens: [3100, 900] },
  { name: 'bge-m3', kind: 'embeddings', input: 20, cached: 0, output: 0, tokens: [900, 0] },
]

/** By key and day. `today` is a midnight in Unix seconds. */
export function makeUsage(keys: readonly DemoKey[], today: number, random: SeededRandom): UsageRow[] {
  return keys.flatMap((key) => {
    const [main, second] = [random.of(models), random.of(models)]
    const requestsADay = key.owner_type === 'service_account' ? random.between(200, 900) : random.between(10, 120)
    const end = Math.min(key.last_used_at ?? 0, today)
    const begin = Math.max(key.created_at + DAY, today - DAYS_OF_USAGE * DAY)
    const rows: UsageRow[] = []
    for (let at = begin - (begin % DAY) + DAY; at + DAY <= end; at += DAY) {
      const isWeekend = [0, 6].includes(new Date(at * 1000).getUTCDay())
      if (isWeekend && key.owner_type === 'user') continue
      const model = random.percent(80) ? main : second
      const minute = Math.floor(at / 60) + random.between(7 * 60, 19 * 60)
      const requests = Math.ceil((requestsADay * random.between(50, 150)) / (isWeekend ? 400 : 100))
      rows.push({ series: seriesOf(key, model, 0), minute, counts: countsOf(model, requests, random) })
      if (!random.percent(PERCENT_WITH_ESTIMATES)) continue
      // A few clients left before the upstream said what it used; nobody knows what was cached.
      const counts = countsOf({ ...model, cached: 0 }, random.between(1, 4), random)
      rows.push({ series: seriesOf(key, model, 1), minute, counts })
    }
    return rows
  })
}

const seriesOf = (
  { organization_id, project_id, owner_id, id }: DemoKey,
  { kind, name }: Model,
  estimated: 0 | 1,
): Series => ({
  organization_id,
  kind,
  project_id,
  user_id: owner_id,
  api_key_id: id,
  model: name,
  service_tier: '',
  batch: 0,
  detail: '',
  estimated,
  priced: 1,
})

function countsOf(model: Model, requests: number, random: SeededRandom): Counts {
  const [input, output] = model.tokens.map((tokens) => Math.round((requests * tokens * random.between(70, 130)) / 100))
  const cached = model.cached > 0 ? Math.floor((input! * random.between(10, 45)) / 100) : 0
  return {
    requests,
    input: input!,
    cached,
    output: output!,
    cost_input: (input! - cached) * model.input,
    cost_cached: cached * model.cached,
    cost_output: output! * model.output,
  }
}

/**
 * What was spent in each month by the organization, whose `project_id` is empty, and by its
 * projects.
 */
export function budgetsOf(usage: readonly UsageRow[]): BudgetRow[] {
  const budgets = new Map<string, BudgetRow>()
  for (const { series, minute, counts } of usage)
    for (const project_id of ['', series.project_id]) {
      const key = { organization_id: series.organization_id, project_id, month: monthOf(minute * 60_000) }
      const name = Object.values(key).join(' ')
      const empty = { ...key, settled: 0, reserved: 0, burned: 0, admitted_at: 0, refused_at: 0, wanted_at: 0 }
      const budget = budgets.get(name) ?? empty
      budgets.set(name, { ...budget, settled: budget.settled + costOf(counts) })
    }
  return [...budgets.values()]
}
