/** How much of its rate limits a project uses now, for the API. */
import type { LimitName } from '../contract/project-rate-limits.ts'
import { readClock } from '../database/clock.ts'
import type { Sql } from '../database/types.ts'
import type { Metric } from './ask.ts'
import { DAY, expire, MINUTE, unpacked, usedOf, type Span } from './window-state.ts'

/** What each limit of the API counts. One unit of the API is `units` units of the window. */
const windows: Record<LimitName, { metric: Metric; span: Span; units: number }> = {
  max_requests_per_1_minute: { metric: 'requests', span: MINUTE, units: 1 },
  max_tokens_per_1_minute: { metric: 'tokens', span: MINUTE, units: 1 },
  max_images_per_1_minute: { metric: 'images', span: MINUTE, units: 1 },
  max_audio_megabytes_per_1_minute: { metric: 'audio_bytes', span: MINUTE, units: 1_000_000 },
  max_requests_per_1_day: { metric: 'requests_per_day', span: DAY, units: 1 },
  batch_1_day_max_input_tokens: { metric: 'batch_tokens_per_day', span: DAY, units: 1 },
}

export interface RateUse {
  /** In the last minute or day, as far as servers have reported. */
  used: number
  /** Granted to servers, for requests to come. */
  held: number
}

/** The use of one limit of a model or pattern. */
export async function rateUse(
  sql: Sql,
  engine: 'sqlite' | 'postgres',
  { organization_id, project_id }: { organization_id: string; project_id: string },
): Promise<(limit_key: string, name: LimitName) => RateUse> {
  const rows = await sql
    .selectFrom('rate_windows')
    .select(['limit_key', 'metric', 'state'])
    .where('organization_id', '=', organization_id)
    .where('project_id', '=', project_id)
    .execute()
  const now = rows.length === 0 ? 0 : await readClock(sql, engine)
  const states = new Map(rows.map(({ limit_key, metric, state }) => [`${metric} ${limit_key}`, state]))
  return (limit_key, name) => {
    const { metric, span, units } = windows[name]
    const packed = states.get(`${metric} ${limit_key}`)
    if (packed === undefined) return { used: 0, held: 0 }
    const state = unpacked(packed)
    // To the millisecond, which costs nothing where the state is not stored.
    expire(state, { span, limit: 1 }, now)
    const used = usedOf({ slots: state.slots, grants: new Map() })
    return { used: used / units, held: (usedOf(state) - used) / units }
  }
}
