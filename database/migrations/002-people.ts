/** Groups, custom roles, invites, and memberships that ended. */
import type { Migration } from './migration.ts'

export const people: Migration = {
  name: '002-people',
  statements: ({ text, integer, bytes, strict }) => [
    `create table groups (
      organization_id ${text} not null references organizations,
      id ${text} not null,
      name ${text} not null,
      created_at ${integer} not null,
      deleted_at ${integer},
      primary key (organization_id, id))${strict}`,
    `create index groups_page on groups (organization_id, created_at, id)`,
    `create unique index groups_name on groups (organization_id, name) where deleted_at is null`,
    `create table group_users (
      organization_id ${text} not null,
      group_id ${text} not null,
      user_id ${text} not null,
      created_at ${integer} not null,
      primary key (organization_id, user_id, group_id),
      foreign key (organization_id, group_id) references groups (organization_id, id),
      foreign key (organization_id, user_id) references users (organization_id, id))${strict}`,
    `create index group_users_page on group_users (organization_id, group_id, created_at, user_id)`,
    `create table roles (
      organization_id ${text} not null references organizations,
      resource_id ${text} not null,
      id ${text} not null,
      name ${text} not null,
      description ${text},
      permissions ${text} not null,
      created_at ${integer} not null,
      updated_at ${integer} not null,
      created_by ${text},
      deleted_at ${integer},
      primary key (organization_id, id))${strict}`,
    `create index roles_page on roles (organization_id, resource_id, created_at, id)`,
    `create unique index roles_name on roles (organization_id, resource_id, name) where deleted_at is null`,
    `create table invites (
      organization_id ${text} not null references organizations,
      id ${text} not null,
      email ${text} not null,
      role ${text} not null,
      projects ${text} not null,
      token_digest ${bytes} unique,
      created_at ${integer} not null,
      expires_at ${integer} not null,
      accepted_at ${integer},
      created_by ${text} not null,
      deleted_at ${integer},
      primary key (organization_id, id))${strict}`,
    `create index invites_page on invites (organization_id, created_at, id)`,
    `create index invites_email on invites (organization_id, lower(email))`,
    // Rows of memberships are deleted. What is kept is the time of the membership, by which a
    // cursor that names it still finds its place in the list.
    `create table departed (
      organization_id ${text} not null references organizations,
      list_id ${text} not null,
      id ${text} not null,
      created_at ${integer} not null,
      primary key (organization_id, list_id, id))${strict}`,
  ],
}
