/** Sessions: who is signed in with a browser. */
import type { Migration } from './migration.ts'

export const sessions: Migration = {
  name: '033-sessions',
  statements: ({ text, integer, bytes, strict }) => [
    `create table sessions (
      organization_id ${text} not null,
      id ${text} not null,
      digest ${bytes} not null unique,
      user_id ${text} not null,
      role ${text} not null,
      method ${text} not null,
      admin_key_id ${text},
      ip_address ${text},
      user_agent ${text},
      created_at ${integer} not null,
      expires_at ${integer} not null,
      last_used_at ${integer} not null,
      ended_at ${integer},
      mac ${bytes},
      primary key (organization_id, id)
    )${strict}`,
    `create index sessions_listed on sessions (organization_id, created_at, id)`,
    `create index sessions_of_person on sessions (organization_id, user_id, created_at, id)`,
    `create index sessions_by_expiry on sessions (expires_at)`,
  ],
}
