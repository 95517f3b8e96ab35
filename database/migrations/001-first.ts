/** Organizations, people, roles held, projects, service accounts, keys, the audit chain. */
import type { Migration } from './migration.ts'

export const first: Migration = {
  name: '001-first',
  statements: ({ text, integer, bytes, strict, clustered }) => {
    const key = `
      organization_id ${text} not null,
      id ${text} not null,
      name ${text} not null,
      digest ${bytes} not null unique,
      redacted_value ${text} not null,
      scopes ${text} not null,
      owner_id ${text} not null,
      created_at ${integer} not null,
      last_used_at ${integer},
      expires_at ${integer},
      deleted_at ${integer},`
    return [
      `create table properties (name ${text} primary key, value ${text} not null)${strict}`,
      `create table organizations (id ${text} primary key, name ${text} not null, created_at ${integer} not null)${strict}`,
      `create table users (
        organization_id ${text} not null references organizations,
        id ${text} not null,
        email ${text} not null,
        name ${text} not null,
        created_at ${integer} not null,
        api_key_last_used_at ${integer},
        technical_level ${text},
        developer_persona ${text},
        deleted_at ${integer},
        primary key (organization_id, id))${strict}`,
      `create index users_page on users (organization_id, created_at, id)`,
      // One living person per address; the address is free again when the person is gone.
      `create unique index users_email on users (organization_id, lower(email)) where deleted_at is null`,
      `create table role_assignments (
        organization_id ${text} not null references organizations,
        resource_id ${text} not null,
        principal_id ${text} not null,
        role ${text} not null,
        created_at ${integer} not null,
        created_by ${text},
        primary key (organization_id, resource_id, principal_id, role))${clustered}`,
      `create index role_assignments_resource on role_assignments (organization_id, resource_id, created_at, principal_id)`,
      // For all that somebody holds. `resource_id` is not its next column, because SQLite would
      // then use this index for lists, and the roles of one project are far apart in it.
      `create index role_assignments_principal on role_assignments (organization_id, principal_id, created_at)`,
      `create table projects (
        organization_id ${text} not null references organizations,
        id ${text} not null,
        name ${text} not null,
        is_default ${integer} not null,
        residency ${text} not null,
        external_key_id ${text},
        created_at ${integer} not null,
        archived_at ${integer},
        primary key (organization_id, id))${strict}`,
      `create index projects_page on projects (organization_id, created_at, id)`,
      `create unique index projects_default on projects (organization_id) where is_default = 1`,
      `create table service_accounts (
        organization_id ${text} not null,
        project_id ${text} not null,
        id ${text} not null,
        name ${text} not null,
        role ${text} not null,
        created_at ${integer} not null,
        deleted_at ${integer},
        primary key (organization_id, id),
        foreign key (organization_id, project_id) references projects (organization_id, id))${strict}`,
      `create index service_accounts_page on service_accounts (organization_id, project_id, created_at, id)`,
      `create table api_keys (${key}
        project_id ${text} not null,
        owner_type ${text} not null check (owner_type in ('user', 'service_account')),
        last_used_place ${integer} not null generated always as (coalesce(last_used_at, 0)) stored,
        expires_place ${integer} not null generated always as (coalesce(expires_at, 9999999999999)) stored,
        primary key (organization_id, project_id, created_at, id),
        foreign key (organization_id, project_id) references projects (organization_id, id))${clustered}`,
      `create unique index api_keys_id on api_keys (organization_id, id)`,
      `create index api_keys_owner on api_keys (organization_id, owner_id, created_at, id, deleted_at) where deleted_at is null`,
      `create index api_keys_owner_type on api_keys (organization_id, owner_type, created_at, id, deleted_at) where deleted_at is null`,
      // `deleted_at` is in the index, so that skipping keys reads the index alone. The last
      // condition of each index is always true: it keeps SQLite from choosing this index where a
      // filter has a better one.
      `create index api_keys_created on api_keys (organization_id, created_at, id, deleted_at) where deleted_at is null and id > ''`,
      `create index api_keys_last_used on api_keys (organization_id, last_used_place, created_at, id, deleted_at) where deleted_at is null and id >= ''`,
      `create index api_keys_expires on api_keys (organization_id, expires_place, created_at, id, deleted_at) where deleted_at is null and id >= ''`,
      `create table admin_api_keys (${key}
        is_foreign ${integer} not null,
        primary key (organization_id, id),
        foreign key (organization_id, owner_id) references users (organization_id, id))${strict}`,
      `create index admin_api_keys_page on admin_api_keys (organization_id, created_at, id)`,
      `create table audit_heads (
        organization_id ${text} primary key references organizations,
        seq ${integer} not null,
        hash ${bytes} not null)${strict}`,
      `create table audit_logs (
        organization_id ${text} not null references organizations,
        seq ${integer} not null,
        id ${text} not null,
        type ${text} not null,
        effective_at ${integer} not null,
        project_id ${text},
        actor_id ${text},
        actor_email ${text},
        actor_key_id ${text},
        resource_id ${text},
        entry ${text} not null,
        hash ${bytes} not null,
        primary key (organization_id, seq))${strict}`,
      `create unique index audit_logs_id on audit_logs (organization_id, id)`,
      // One index for each filter, in the order of the list, so that no filter reads rows that it
      // does not show. The condition of this one is always true: it keeps SQLite from choosing it
      // where a filter has a better one.
      `create index audit_logs_page on audit_logs (organization_id, effective_at, seq) where seq > 0`,
      `create index audit_logs_type on audit_logs (organization_id, type, effective_at, seq)`,
      `create index audit_logs_project on audit_logs (organization_id, project_id, effective_at, seq)`,
      `create index audit_logs_actor on audit_logs (organization_id, actor_id, effective_at, seq)`,
      `create index audit_logs_key on audit_logs (organization_id, actor_key_id, effective_at, seq)`,
      `create index audit_logs_email on audit_logs (organization_id, lower(actor_email), effective_at, seq)`,
      `create index audit_logs_resource on audit_logs (organization_id, resource_id, effective_at, seq)`,
    ]
  },
}
