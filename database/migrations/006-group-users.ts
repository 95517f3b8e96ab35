/**
 * Service accounts can be members of groups too, so `user_id` names a row of one of two tables and
 * is a foreign key no more.
 */
import type { Migration } from './migration.ts'

export const groupUsers: Migration = {
  name: '006-group-users',
  // SQLite cannot drop a constraint, so the table is made anew.
  statements: ({ text, integer, strict }) => [
    `create table group_users_anew (
      organization_id ${text} not null,
      group_id ${text} not null,
      user_id ${text} not null,
      created_at ${integer} not null,
      primary key (organization_id, user_id, group_id),
      foreign key (organization_id, group_id) references groups (organization_id, id))${strict}`,
    `insert into group_users_anew (organization_id, group_id, user_id, created_at)
      select organization_id, group_id, user_id, created_at from group_users`,
    `drop table group_users`,
    `alter table group_users_anew rename to group_users`,
    `create index group_users_page on group_users (organization_id, group_id, created_at, user_id)`,
  ],
}
