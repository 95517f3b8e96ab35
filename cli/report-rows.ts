/**
 * Reports of usage and costs as people read them: a row for each result, with the time of its
 * bucket.
 */
import type { Item } from './cells.ts'

export const isReport = (item: Item): boolean => item.object === 'page'

export function reportRows({ data }: Item): Item[] {
  const buckets = data as { start_time: number; end_time: number; results: Item[] }[]
  return buckets.flatMap(({ start_time, end_time, results }) =>
    results.map((result) => ({ start_time, end_time, ...result })),
  )
}

/** What a report is grouped by stands before what is counted. */
const groups = [
  'line_item',
  'model',
  'project_id',
  'user_id',
  'api_key_id',
  'service_tier',
  'batch',
  'size',
  'source',
  'vector_store_id',
  'context_level',
  'api_source',
  'estimated',
]

/**
 * The columns of a report whose results have these members. `estimated` is one only where the
 * report is grouped by it.
 */
export const reportColumns = (members: readonly string[], groupBy: readonly string[]): string[] => [
  'start_time',
  'end_time',
  ...groups.filter((name) => members.includes(name) && (name !== 'estimated' || groupBy.includes(name))),
  ...members.filter((name) => name !== 'object' && !groups.includes(name)),
]
