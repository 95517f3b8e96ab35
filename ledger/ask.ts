/** What a request asks of the ledger before it is forwarded. */
import type { Series } from './usage-counts.ts'
import type { Span } from './window-state.ts'

/** What a rate limit counts. */
export type Metric = 'requests' | 'tokens' | 'images' | 'audio_bytes' | 'requests_per_day' | 'batch_tokens_per_day'

export interface WindowAsk {
  /** The model, or the pattern of models, whose limit it is. */
  limit_key: string
  metric: Metric
  span: Span
  limit: number
  /** An estimate of what it will use. */
  units: number
}

export interface Ask {
  organization_id: string
  project_id: string
  windows: readonly WindowAsk[]
  /** Nano-dollars a month; null where no limit is set. */
  limits: { organization: number | null; project: number | null }
  /** Nano-dollars that it costs at most. */
  bound: number
  /** Nobody can say what it costs at most; then no limit on money applies, and the bound is 0. */
  isUnbounded?: boolean
  series: Series
}
