/**
 * Which changes were committed, for a process that lost its connection during COMMIT: see
 * `database/postgres-changes.ts`.
 */
import type { Migration } from './migration.ts'

export const commits: Migration = {
  name: '011-commits',
  statements: ({ text, integer, strict }) => [
    `create table commits (id ${text} primary key, created_at ${integer} not null, is_void ${integer} not null)${strict}`,
  ],
}
