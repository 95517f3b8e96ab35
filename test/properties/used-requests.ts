/**
 * Random requests and random queries about them, and what a report must answer by a plain sum over
 * the requests.
 */
import * as fc from 'fast-check'
import { usage } from '../../contract/usage.ts'
import type { Counts, Series } from '../../ledger/usage-counts.ts'

/** A request that ended. */
export type Used = Omit<Series, 'organization_id'> & { at: number; counts: Counts }

export type ReportName = keyof typeof usage
type Value = string | boolean | null

export interface Query {
  report: ReportName
  start_time: number
  end_time: number
  bucket_width: '1m' | '1h' | '1d'
  limit: number
  group_by: string[]
  filters: Record<string, (string | boolean)[]>
}

/** Four days with a leap day. */
const BEGIN = Date.UTC(2028, 1, 27) / 1000
const SECONDS = 4 * 86_400
export const widths = { '1m': 60, '1h': 3_600, '1d': 86_400 } as const

/**
 * Few moments, so that requests lie at the ends of ranges: at and beside minutes, hours and days.
 */
const moment = fc
  .tuple(
    fc.integer({ min: 0, max: 3 }),
    fc.constantFrom(0, 30, 60, 3_600, 5_400, 43_200, 47_220),
    fc.constantFrom(0, 0, -1),
  )
  .map(([day, second, beside]) => BEGIN + day * 86_400 + second + beside)

const values = {
  project_id: ['proj_a', 'proj_B', 'proj_é'],
  user_id: ['user_1', 'sa_2'],
  api_key_id: ['key_1', 'key_2', 'key_3'],
  model: ['gpt-4o', 'GPT-4o', 'm, input_tokens', 'zebra'],
  service_tier: ['', 'flex', 'priority'],
  size: ['1024x1024', '256x256'],
  source: ['image.generation', 'image.edit'],
  context_level: ['low', 'high'],
  vector_store_id: ['', 'vs_1', 'vs_2'],
}
const kinds = [
  'completions',
  'completions',
  'decisions',
  'embeddings',
  'moderations',
  'images',
  'audio_speeches',
  'audio_transcriptions',
  'file_searches',
  'web_searches',
] as Series['kind'][]

const detailOf = (kind: Series['kind'], [one, two]: readonly [boolean, boolean]) => {
  const of = (name: keyof typeof values, choice: boolean) => values[name][Number(choice)]!
  if (kind === 'images') return `${of('size', one)} ${of('source', two)}`
  if (kind === 'web_searches') return of('context_level', one)
  return kind === 'file_searches' ? of('vector_store_id', one) : ''
}

const amount = fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 3_000_000_000 }))
const used: fc.Arbitrary<Used> = fc
  .record({
    kind: fc.constantFrom(...kinds),
    project_id: fc.constantFrom(...values.project_id),
    user_id: fc.constantFrom(...values.user_id),
    api_key_id: fc.constantFrom(...values.api_key_id),
    model: fc.constantFrom(...values.model),
    service_tier: fc.constantFrom(...values.service_tier),
    flags: fc.tuple(fc.nat(1), fc.nat(1), fc.nat(1)),
    details: fc.tuple(fc.boolean(), fc.boolean()),
    at: moment,
    amounts: fc.array(amount, { minLength: 10, maxLength: 10 }),
  })
  .map(({ kind, flags, details, amounts, ...one }) => {
    const [batch, estimated, priced] = flags as (0 | 1)[] as [0 | 1, 0 | 1, 0 | 1]
    const [uncached, cached, cache_write, output, units, ...costs] = amounts as [number, number, number, number, number]
    const [cost_input, cost_cached, cost_cache_write, cost_output, cost_units] = costs as unknown as number[]
    const cost = { cost_input, cost_cached, cost_cache_write, cost_output, cost_units }
    const input = uncached + cached + cache_write
    const counts = { requests: 1, input, cached, cache_write, output, units, ...(priced && cost) }
    return { ...one, kind, batch, estimated, priced, detail: detailOf(kind, details), counts }
  })
export const manyUsed = fc.array(used, { minLength: 5, maxLength: 25, size: 'max' })

const reportNames = Object.keys(usage) as ReportName[]
const membersOf = (report: ReportName) => Object.keys(usage[report].query.properties)
/** In the query of decisions, everything may be null as well. */
function groupsOf(report: ReportName): string[] {
  type Groups = { items: { enum: string[] } }
  const schema = usage[report].query.properties.group_by as unknown as Groups & { anyOf?: Groups[] }
  return (schema.anyOf?.[0] ?? schema).items.enum
}

const lengths = { '1m': 86_400, '1h': SECONDS, '1d': SECONDS }
export const query: fc.Arbitrary<Query> = fc
  .record({
    report: fc.oneof(fc.constantFrom(...reportNames), fc.constantFrom('costs' as const, 'completions' as const)),
    start_time: moment,
    end: moment,
    width: fc.constantFrom('1m' as const, '1h' as const, '1d' as const),
    few: fc.integer({ min: 1, max: 31 }),
    groups: fc.array(fc.nat(), { maxLength: 3 }),
    filtered: fc.oneof(
      { weight: 3, arbitrary: fc.constant<[number, number, boolean][]>([]) },
      fc.array(fc.tuple(fc.nat(), fc.nat(), fc.boolean()), { maxLength: 2 }),
    ),
  })
  .map(({ report, start_time: one, end: two, width: bucket_width, few, groups, filtered }) => {
    const start_time = Math.min(one, two)
    const end_time = Math.min(Math.max(one, two), start_time + lengths[bucket_width])
    const buckets = Math.ceil((end_time - start_time) / widths[bucket_width])
    const names = groupsOf(report)
    return {
      report,
      start_time,
      end_time,
      bucket_width,
      // At most six pages.
      limit: Math.max(few, Math.ceil(buckets / 5)),
      group_by: [...new Set(groups.map((n) => names[n % names.length]!))],
      filters: Object.fromEntries(filtered.flatMap((one) => filterOf(report, ...one))),
    }
  })

function filterOf(report: ReportName, which: number, n: number, two: boolean): [string, (string | boolean)[]][] {
  const others = ['start_time', 'end_time', 'page', 'bucket_width', 'limit', 'group_by']
  const names = membersOf(report).filter((name) => !others.includes(name))
  const name = names[which % names.length]!
  if (name === 'batch') return [[name, [two]]]
  const dimension = name.slice(0, -1) as keyof typeof values
  const all = name === 'line_items' ? values.model.map((model) => `${model}, input_tokens`) : values[dimension]
  const some = all.filter((value) => value !== '')
  return [[name, two ? [some[n % some.length]!, some[(n + 1) % some.length]!] : [some[n % some.length]!]]]
}

/** The bucket of each request and its groups, with the sums of what it used. */
export function expected({ report, ...query }: Query, all: readonly Used[]) {
  const sums = new Map<string, Record<string, number>>()
  for (const one of all) {
    const minute = Math.floor(one.at / 60) * 60
    if (report !== 'costs' && kindOf[report] !== one.kind) continue
    if (minute < query.start_time || minute >= query.end_time) continue
    const bucket = Math.max(query.start_time, minute - (minute % widths[query.bucket_width]))
    for (const { line_item, metrics } of report === 'costs'
      ? costs(one)
      : [{ line_item: '', metrics: metricsOf(one) }]) {
      const value = (name: string) => (name === 'line_item' ? line_item : dimensionOf(one, name))
      const isOut = ([name, wanted]: [string, Value[]]) => !wanted.includes(value(name.replace(/s$/, '')))
      if (Object.entries(query.filters).some(isOut)) continue
      const key = JSON.stringify([bucket, ...query.group_by.map(value)])
      const sum = sums.get(key) ?? {}
      for (const [name, count] of Object.entries(metrics)) sum[name] = (sum[name] ?? 0) + count
      sums.set(key, sum)
    }
  }
  return Object.fromEntries([...sums].toSorted(([one], [other]) => (one < other ? -1 : 1)))
}

const kindOf: Partial<Record<ReportName, Series['kind']>> = {
  completions: 'completions',
  decisions: 'decisions',
  embeddings: 'embeddings',
  moderations: 'moderations',
  images: 'images',
  audioSpeeches: 'audio_speeches',
  audioTranscriptions: 'audio_transcriptions',
  fileSearchCalls: 'file_searches',
  webSearchCalls: 'web_searches',
}

function dimensionOf(one: Used, name: string): Value {
  const [size, source] = one.detail.split(' ')
  if (name === 'api_source') return 'unlabeled'
  if (name === 'batch' || name === 'estimated') return one[name] === 1
  if (name === 'size') return size!
  if (name === 'source') return source!
  if (name === 'vector_store_id' || name === 'context_level') return one.detail || null
  return (one[name as keyof Used] as string) || null
}

function metricsOf({ kind, counts }: Used): Record<string, number> {
  const { input = 0, output = 0, cached = 0, cache_write = 0, units = 0 } = counts
  const requests = { num_model_requests: 1 }
  if (kind === 'completions' || kind === 'decisions')
    return {
      ...requests,
      input_tokens: input,
      output_tokens: output,
      input_cached_tokens: cached,
      input_cache_write_tokens: cache_write,
      input_uncached_tokens: input - cached - cache_write,
    }
  if (kind === 'embeddings' || kind === 'moderations') return { ...requests, input_tokens: input }
  if (kind === 'images') return { ...requests, images: units }
  if (kind === 'audio_speeches') return { ...requests, characters: units }
  if (kind === 'audio_transcriptions') return { ...requests, seconds: units }
  return { ...(kind === 'web_searches' && requests), num_requests: units }
}

const unitNames: Partial<Record<Series['kind'], string>> = {
  images: 'images',
  audio_speeches: 'characters',
  audio_transcriptions: 'duration_seconds',
  file_searches: 'file_search_calls',
  web_searches: 'web_search_calls',
}

/** Nano-dollars by line item, where it costs anything. */
function costs({ kind, model, counts }: Used): { line_item: string; metrics: Record<string, number> }[] {
  const { cost_input = 0, cost_cached = 0, cost_cache_write = 0, cost_output = 0, cost_units = 0 } = counts
  const items: [string, number][] = [
    ['input_tokens', cost_input],
    ['cached_input_tokens', cost_cached],
    ['cache_write_input_tokens', cost_cache_write],
    ['output_tokens', cost_output],
    [unitNames[kind] ?? 'units', cost_units],
  ]
  return items
    .filter(([, nano]) => nano > 0)
    .map(([name, nano]) => ({ line_item: `${model}, ${name}`, metrics: { nano } }))
}
