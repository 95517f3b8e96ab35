/**
 * What was asked of a rate limit lately: by this a server that starts asks for some of it, so that
 * the first request waits for no exchange. Zero where no request came since.
 */
import type { Migration } from './migration.ts'

export const windowUse: Migration = {
  name: '041-window-use',
  statements: ({ integer }) => [
    `alter table rate_windows add column used_hour ${integer} not null default 0`,
    `alter table rate_windows add column used_limit ${integer} not null default 0`,
    `alter table rate_windows add column largest ${integer} not null default 0`,
    `create index rate_windows_used on rate_windows (used_hour)`,
  ],
}
