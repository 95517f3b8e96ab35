/**
 * Makes the results of the cost report, in the form of the API, from stored costs: money by line
 * item.
 */
import { dollarsOf } from '../contract/money.ts'
import type { Dimension, ReportRow } from './report.ts'
import type { CountColumn } from './usage-counts.ts'

export const costColumns: readonly CountColumn[] = [
  'input',
  'output',
  'cached',
  'cache_write',
  'units',
  'cost_input',
  'cost_cached',
  'cost_cache_write',
  'cost_output',
  'cost_units',
]

/** Also by kind and model in any case: the unit and the name of the line item depend on them. */
export const costDimensions = (groups: readonly string[]): Dimension[] => [
  ...groups.filter((group): group is Dimension => group !== 'line_item' && group !== 'api_source'),
  'kind',
  'model',
  'priced',
]

interface LineItem {
  name: string
  nano: number
  quantity: number
  /** Null where the API has no word for it. */
  unit: string | null
}

/** The unit of each kind. */
const units: Record<string, { name: string; unit: string | null }> = {
  images: { name: 'images', unit: 'images' },
  audio_speeches: { name: 'characters', unit: 'characters' },
  audio_transcriptions: { name: 'duration_seconds', unit: 'duration_seconds' },
  file_searches: { name: 'file_search_calls', unit: null },
  web_searches: { name: 'web_search_calls', unit: null },
}

function* lineItems(row: ReportRow): Generator<LineItem> {
  const of = (column: CountColumn) => row[column] ?? 0
  const model = String(row.model)
  const unit = units[String(row.kind)]
  if (row.priced === 0) {
    const tokens = of('input') + of('output')
    const quantity = unit && tokens === 0 ? of('units') : tokens
    yield { name: `${model}, unpriced`, nano: 0, quantity, unit: unit && tokens === 0 ? unit.unit : 'tokens' }
    return
  }
  const uncached = Math.max(0, of('input') - of('cached') - of('cache_write'))
  const items: LineItem[] = [
    { name: 'input_tokens', nano: of('cost_input'), quantity: uncached, unit: 'tokens' },
    { name: 'cached_input_tokens', nano: of('cost_cached'), quantity: of('cached'), unit: 'tokens' },
    { name: 'cache_write_input_tokens', nano: of('cost_cache_write'), quantity: of('cache_write'), unit: 'tokens' },
    { name: 'output_tokens', nano: of('cost_output'), quantity: of('output'), unit: 'tokens' },
    { name: unit?.name ?? 'units', nano: of('cost_units'), quantity: of('units'), unit: unit?.unit ?? null },
  ]
  for (const item of items) if (item.nano > 0 || item.quantity > 0) yield { ...item, name: `${model}, ${item.name}` }
}

export function costResults(
  rows: readonly ReportRow[],
  groups: readonly string[],
  filters: Readonly<Record<string, readonly (string | boolean)[]>>,
) {
  const folded = new Map<
    string,
    { own: Record<string, unknown>; nano: number; quantity: number; units: Set<string | null> }
  >()
  for (const row of rows)
    for (const { name, nano, quantity, unit } of lineItems(row)) {
      if (filters.line_item && !filters.line_item.includes(name)) continue
      const own = Object.fromEntries(groups.map((group) => [group, valueOf(group, row, name)]))
      const key = JSON.stringify(own)
      let one = folded.get(key)
      if (!one) folded.set(key, (one = { own, nano: 0, quantity: 0, units: new Set() }))
      one.nano += nano
      one.quantity += quantity
      one.units.add(unit)
    }
  return [...folded.values()].map(({ own, nano, quantity, units }) => {
    const [unit = null] = units
    const fits = units.size === 1 && unit !== null
    return {
      object: 'organization.costs.result',
      amount: { value: dollarsOf(nano), currency: 'usd' },
      quantity: fits ? quantity : null,
      quantity_unit: fits ? unit : null,
      project_id: null,
      user_id: null,
      line_item: null,
      api_key_id: null,
      api_source: null,
      ...own,
    }
  })
}

function valueOf(group: string, row: ReportRow, line_item: string) {
  if (group === 'line_item') return line_item
  if (group === 'api_source') return 'unlabeled'
  if (group === 'estimated') return row.estimated === 1
  return String(row[group as Dimension] ?? '') || null
}
