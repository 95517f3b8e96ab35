/**
 * Counts the series of usage that each organization uses in a month, so that they can be bounded.
 * Running requests name their series themselves: it becomes a row only when something was used.
 */
import type { Migration } from './migration.ts'

export const seriesMonths: Migration = {
  name: '026-series-months',
  statements: ({ text, integer, clustered }) => [
    `alter table usage_series add column month ${text} not null default ''`,
    `create table usage_series_counts (
      organization_id ${text} not null,
      month ${text} not null,
      series ${integer} not null,
      primary key (organization_id, month)
    )${clustered}`,
    `alter table in_flight add column organization_id ${text}`,
    `alter table in_flight add column project_id ${text}`,
    `alter table in_flight add column series ${text}`,
  ],
}
