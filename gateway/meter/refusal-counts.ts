/** How many requests were refused because of limits, by reason. */
import type { Metric } from '../../ledger/ask.ts'
import { LedgerUnavailable, RateLimited, SpendLimited } from '../../ledger/refusals.ts'

type Reason = Metric | 'spend_organization' | 'spend_project' | 'model' | 'unreachable'

export class LimitRefusals {
  readonly counts: Record<Reason, number> = {
    requests: 0,
    tokens: 0,
    images: 0,
    audio_bytes: 0,
    requests_per_day: 0,
    batch_tokens_per_day: 0,
    spend_organization: 0,
    spend_project: 0,
    model: 0,
    unreachable: 0,
  }

  /** What the ledger threw; anything else is not counted. */
  count(error: unknown) {
    if (error instanceof RateLimited) this.counts[error.window.metric]++
    else if (error instanceof SpendLimited) this.counts[`spend_${error.level}`]++
    else if (error instanceof LedgerUnavailable) this.counts.unreachable++
  }

  /** A model that the project may not use. */
  model() {
    this.counts.model++
  }
}
