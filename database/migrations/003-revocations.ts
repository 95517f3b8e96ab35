/** How processes on one database tell each other that authority changed. */
import type { Migration } from './index.ts'

export const revocations: Migration = {
  name: '003-revocations',
  statements: ({ text, integer, strict }) => [
    // One row that counts; whoever counts it up holds it until commit, so that a higher epoch is never seen before a lower one.
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
