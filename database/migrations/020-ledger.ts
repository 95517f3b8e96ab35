/** Usage, rate windows and budgets: what the ledger counts, and what it has granted to servers. */
import type { Migration } from './migration.ts'

const counts = [
  'requests',
  'input',
  'output',
  'cached',
  'cache_write',
  'cache_write_12h',
  'audio_input',
  'audio_output',
  'image_input',
  'image_output',
  'cached_audio',
  'cached_image',
  'units',
  'cost_input',
  'cost_cached',
  'cost_cache_write',
  'cost_output',
  'cost_units',
]

/** What is used and spent, what may be, and what servers hold of it. */
export const ledger: Migration = {
  name: '020-ledger',
  statements: ({ text, integer, strict, clustered }) => [
    `create table usage_series (
      id ${integer} not null primary key,
      organization_id ${text} not null,
      kind ${text} not null,
      project_id ${text} not null,
      user_id ${text} not null,
      api_key_id ${text} not null,
      model ${text} not null,
      service_tier ${text} not null,
      batch ${integer} not null,
      detail ${text} not null,
      estimated ${integer} not null,
      priced ${integer} not null,
      unique (organization_id, kind, project_id, user_id, api_key_id, model, service_tier, batch, detail, estimated,
        priced)
    )${strict}`,
    ...['usage_minutes', 'usage_hours', 'usage_days'].map(
      (table) => `create table ${table} (
      at ${integer} not null,
      series_id ${integer} not null,
      ${counts.map((column) => `${column} ${integer}`).join(',\n      ')},
      primary key (at, series_id)
    )${clustered}`,
    ),
    `create table budgets (
      organization_id ${text} not null,
      project_id ${text} not null,
      month ${text} not null,
      settled ${integer} not null,
      reserved ${integer} not null,
      burned ${integer} not null,
      admitted_at ${integer} not null,
      refused_at ${integer} not null,
      wanted_at ${integer} not null,
      primary key (organization_id, project_id, month)
    )${clustered}`,
    `create table ledger_servers (
      id ${text} not null primary key,
      seq ${integer} not null,
      until ${integer} not null
    )${strict}`,
    `create table holdings (
      server_id ${text} not null,
      organization_id ${text} not null,
      project_id ${text} not null,
      month ${text} not null,
      in_flight ${integer} not null,
      free ${integer} not null,
      primary key (server_id, organization_id, project_id, month)
    )${clustered}`,
    `create table in_flight (
      server_id ${text} not null,
      series_id ${integer} not null,
      month ${text} not null,
      requests ${integer} not null,
      amount ${integer} not null,
      primary key (server_id, series_id, month)
    )${clustered}`,
    `create table rate_windows (
      organization_id ${text} not null,
      project_id ${text} not null,
      limit_key ${text} not null,
      metric ${text} not null,
      version ${integer} not null,
      state ${text} not null,
      primary key (organization_id, project_id, limit_key, metric)
    )${clustered}`,
    `create table spend_limits (
      organization_id ${text} not null,
      project_id ${text} not null,
      threshold_amount ${integer} not null,
      currency ${text} not null,
      interval ${text} not null,
      updated_at ${integer} not null,
      primary key (organization_id, project_id)
    )${clustered}`,
    `create table spend_alerts (
      organization_id ${text} not null,
      project_id ${text} not null,
      id ${text} not null,
      threshold_amount ${integer} not null,
      currency ${text} not null,
      interval ${text} not null,
      recipients ${text} not null,
      subject_prefix ${text},
      created_at ${integer} not null,
      deleted_at ${integer},
      primary key (organization_id, id)
    )${clustered}`,
    `create index spend_alerts_listed on spend_alerts (organization_id, project_id, created_at, id)`,
    `create table alert_deliveries (
      organization_id ${text} not null,
      alert_id ${text} not null,
      month ${text} not null,
      threshold_amount ${integer} not null,
      owner ${text} not null,
      until ${integer} not null,
      sent_at ${integer},
      primary key (organization_id, alert_id, month, threshold_amount)
    )${clustered}`,
    `create table rate_limits (
      organization_id ${text} not null,
      project_id ${text} not null,
      limit_key ${text} not null,
      limits ${text} not null,
      updated_at ${integer} not null,
      primary key (organization_id, project_id, limit_key)
    )${clustered}`,
    `create table model_permissions (
      organization_id ${text} not null,
      project_id ${text} not null,
      mode ${text} not null,
      model_ids ${text} not null,
      updated_at ${integer} not null,
      primary key (organization_id, project_id)
    )${clustered}`,
  ],
}
