/** What requests ask of the ledger. */
import type { Ask, Metric } from '../../ledger/ask.ts'
import type { Series } from '../../ledger/usage-counts.ts'
import { DAY, MINUTE } from '../../ledger/window-state.ts'

export const series: Series = {
  organization_id: 'org',
  kind: 'completions',
  project_id: 'proj',
  user_id: 'user',
  api_key_id: 'key',
  model: 'model',
  service_tier: '',
  batch: 0,
  detail: '',
  estimated: 0,
  priced: 1,
}

export const ask = (more: Partial<Ask> = {}): Ask => ({
  organization_id: 'org',
  project_id: 'proj',
  windows: [],
  limits: { organization: null, project: null },
  bound: 0,
  series: more.project_id ? { ...series, project_id: more.project_id } : series,
  ...more,
})

/** Of a project, under one rate limit. */
export const askUnder = (project_id: string, limit: number, units = 1, metric: Metric = 'requests') =>
  ask({
    project_id,
    windows: [{ limit_key: 'model', metric, span: metric.endsWith('day') ? DAY : MINUTE, limit, units }],
  })
