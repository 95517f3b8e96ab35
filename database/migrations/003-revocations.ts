/** How the processes on one database tell each other which remembered keys changed. */
import type { Migration } from './migration.ts'

export const revocations: Migration = {
  name: '003-revocations',
  statements: ({ text, integer, strict }) => [
    // One row with the newest epoch. A change that raises it locks it until its commit, so that
    // nobody sees a higher epoch before a lower one.
    `create table epochs (name ${text} primary key, value ${integer} not null)${strict}`,
    `insert into epochs values ('authority', 0)`,
    `create table revocations (
      epoch ${integer} primary key,
      organization_id ${text} not null,
      kind ${text} not null,
      id ${text} not null,
      created_at ${integer} not null)${strict}`,
    `create index revocations_age on revocations (created_at)`,
    `create table nodes (
      id ${text} primary key,
      epoch ${integer} not null,
      lease_milliseconds ${integer} not null,
      is_leaving ${integer} not null)${strict}`,
  ],
}
