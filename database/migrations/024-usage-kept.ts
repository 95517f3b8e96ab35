/** From when on usage by the minute and by the hour is kept: what is older was pruned. */
import type { Migration } from './migration.ts'

export const usageKept: Migration = {
  name: '024-usage-kept',
  statements: ({ text, integer, clustered }) => [
    `create table usage_kept (
      width ${text} not null primary key,
      since ${integer} not null
    )${clustered}`,
  ],
}
