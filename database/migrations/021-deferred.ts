/**
 * Requests whose result comes later: batches and background responses. What they may cost stays
 * reserved until then.
 */
import type { Migration } from './migration.ts'

export const deferred: Migration = {
  name: '021-deferred',
  statements: ({ text, integer, strict }) => [
    `create table deferred_requests (
      id ${text} not null primary key,
      organization_id ${text} not null,
      project_id ${text} not null,
      month ${text} not null,
      amount ${integer} not null,
      admitted_at ${integer} not null,
      kind ${text} not null,
      upstream ${text} not null,
      result_id ${text} not null,
      series ${text} not null,
      metered ${text} not null,
      look_at ${integer} not null,
      give_up_at ${integer} not null
    )${strict}`,
    `create index deferred_requests_by_result on deferred_requests (upstream, result_id)`,
    `create index deferred_requests_to_look_at on deferred_requests (look_at)`,
  ],
}
