/** Makes the results of the usage reports, in the form of the API, from stored counts. */
import { countColumns, type CountColumn, type UsageKind } from './usage-counts.ts'
import type { Dimension, ReportRow } from './report.ts'

/** Of the last two, nothing is ever counted. */
export type UsageReport = UsageKind | 'vector_stores' | 'code_interpreter_sessions'

type Sums = Partial<Record<CountColumn, number>>
type Members = Record<string, string | boolean | null>

interface Shape {
  columns: readonly CountColumn[]
  /** Everything that it can be grouped by, in the order of the answer. */
  members: readonly string[]
  metrics: (sums: Sums) => Record<string, number>
}

const of = (sums: Sums, column: CountColumn) => sums[column] ?? 0
const clamped = (value: number) => Math.max(0, value)

const tokenColumns = countColumns.filter((column) => !column.startsWith('cost_') && column !== 'units')

function tokens(sums: Sums) {
  const [input, output, cached, cache_write] = [
    of(sums, 'input'),
    of(sums, 'output'),
    of(sums, 'cached'),
    of(sums, 'cache_write'),
  ]
  const uncached = clamped(input - cached - cache_write)
  const audio = clamped(of(sums, 'audio_input') - of(sums, 'cached_audio'))
  const image = clamped(of(sums, 'image_input') - of(sums, 'cached_image'))
  return {
    input_tokens: input,
    output_tokens: output,
    num_model_requests: of(sums, 'requests'),
    input_cached_tokens: cached,
    input_cache_write_tokens: cache_write,
    input_cache_write_30m_tokens: clamped(cache_write - of(sums, 'cache_write_12h')),
    input_cache_write_12h_tokens: of(sums, 'cache_write_12h'),
    input_uncached_tokens: uncached,
    input_text_tokens: clamped(uncached - audio - image),
    output_text_tokens: clamped(output - of(sums, 'audio_output') - of(sums, 'image_output')),
    input_cached_text_tokens: clamped(cached - of(sums, 'cached_audio') - of(sums, 'cached_image')),
    input_audio_tokens: of(sums, 'audio_input'),
    input_cached_audio_tokens: of(sums, 'cached_audio'),
    output_audio_tokens: of(sums, 'audio_output'),
    input_image_tokens: of(sums, 'image_input'),
    input_cached_image_tokens: of(sums, 'cached_image'),
    output_image_tokens: of(sums, 'image_output'),
  }
}

const byModel = ['project_id', 'user_id', 'api_key_id', 'model']
const completions: Shape = {
  columns: tokenColumns,
  members: [...byModel, 'batch', 'service_tier', 'api_source'],
  metrics: tokens,
}
const prompts: Shape = {
  columns: ['requests', 'input'],
  members: byModel,
  metrics: (sums) => ({ input_tokens: of(sums, 'input'), num_model_requests: of(sums, 'requests') }),
}
/** A report of one number, and perhaps of the requests that it came from. */
const units = (name: string, members: string[], withRequests = true): Shape => ({
  columns: ['requests', 'units'],
  members,
  metrics: (sums) => ({
    [name]: of(sums, 'units'),
    ...(withRequests && { num_model_requests: of(sums, 'requests') }),
  }),
})

const shapes: Record<UsageReport, Shape> = {
  completions,
  decisions: completions,
  embeddings: prompts,
  moderations: prompts,
  images: units('images', [...byModel, 'size', 'source']),
  audio_speeches: units('characters', byModel),
  audio_transcriptions: units('seconds', byModel),
  vector_stores: units('usage_bytes', ['project_id'], false),
  code_interpreter_sessions: units('num_sessions', ['project_id'], false),
  file_searches: units('num_requests', ['project_id', 'user_id', 'api_key_id', 'vector_store_id'], false),
  web_searches: units('num_requests', [...byModel, 'context_level', 'api_source']),
}

export const usageColumns = (report: UsageReport) => shapes[report].columns

/** The columns of series that the results are made of. */
export function usageDimensions(
  _report: UsageReport,
  groups: readonly string[],
  filters: Readonly<Record<string, unknown>>,
): Dimension[] {
  const dimensions = new Set<Dimension>()
  for (const group of groups) {
    if (group in inDetail) dimensions.add('detail')
    else if (group !== 'api_source') dimensions.add(group as Dimension)
  }
  if ('size' in filters || 'source' in filters) dimensions.add('detail')
  return [...dimensions]
}

/** Members that are stored in `detail`, and how to read them from it. */
const inDetail: Record<string, (detail: string) => string | null> = {
  size: (detail) => detail.split(' ')[0] || null,
  source: (detail) => detail.split(' ')[1] || null,
  vector_store_id: (detail) => detail || null,
  context_level: (detail) => detail || null,
}

/**
 * One result for each combination of the groups. Members that are not grouped by are null;
 * `estimated`, which OpenAI does not have, is left out.
 */
export function usageResults(
  report: UsageReport,
  rows: readonly ReportRow[],
  groups: readonly string[],
  filters: Readonly<Record<string, readonly (string | boolean)[]>>,
) {
  const { columns, members, metrics } = shapes[report]
  const folded = new Map<string, { sums: Sums; own: Members }>()
  for (const row of rows) {
    const detail = String(row.detail ?? '')
    const isOut = (name: 'size' | 'source') => filters[name] && !filters[name].includes(inDetail[name]!(detail) ?? '')
    if (isOut('size') || isOut('source')) continue
    const own = Object.fromEntries(groups.map((group) => [group, valueOf(group, row, detail)]))
    const name = JSON.stringify(own)
    let one = folded.get(name)
    if (!one) folded.set(name, (one = { sums: {}, own }))
    for (const column of columns) one.sums[column] = (one.sums[column] ?? 0) + (row[column] ?? 0)
  }
  const none = Object.fromEntries(members.map((member) => [member, null]))
  return [...folded.values()].map(({ sums, own }) => ({
    object: `organization.usage.${report}.result`,
    ...metrics(sums),
    ...none,
    ...own,
  }))
}

function valueOf(group: string, row: ReportRow, detail: string) {
  if (group === 'api_source') return 'unlabeled'
  if (group in inDetail) return inDetail[group]!(detail)
  if (group === 'batch' || group === 'estimated') return row[group] === 1
  return String(row[group as Dimension] ?? '') || null
}
