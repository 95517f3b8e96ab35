/**
 * Up to which of its exchanges a server was known when others took it for dead. One that was only
 * cut off reads here whether the exchange whose answer it never got had happened.
 */
import type { Migration } from './migration.ts'

export const sweptServers: Migration = {
  name: '028-swept-servers',
  statements: ({ text, integer, clustered }) => [
    `create table swept_servers (
      id ${text} not null primary key,
      seq ${integer} not null,
      swept_at ${integer} not null
    )${clustered}`,
  ],
}
