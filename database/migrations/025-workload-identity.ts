/** Workload identity: trusted issuers, rules for their tokens, and the access tokens in use. */
import type { Migration } from './migration.ts'

export const workloadIdentity: Migration = {
  name: '025-workload-identity',
  statements: ({ text, integer, bytes, strict }) => [
    `create table identity_providers (
      organization_id ${text} not null,
      id ${text} not null,
      name ${text} not null,
      description ${text},
      issuer ${text} not null,
      audience ${text} not null,
      attribute_transformations ${text} not null,
      verification ${text} not null,
      enabled ${integer} not null,
      created_at ${integer} not null,
      updated_at ${integer} not null,
      deleted_at ${integer},
      mac ${bytes},
      primary key (organization_id, id)
    )${strict}`,
    `create index identity_providers_listed on identity_providers (organization_id, created_at, id)`,
    `create table federation_rules (
      organization_id ${text} not null,
      provider_id ${text} not null,
      id ${text} not null,
      name ${text},
      description ${text},
      attribute_matchers ${text} not null,
      project_id ${text} not null,
      service_account_id ${text} not null,
      scopes ${text},
      enabled ${integer} not null,
      created_at ${integer} not null,
      updated_at ${integer} not null,
      deleted_at ${integer},
      mac ${bytes},
      primary key (organization_id, provider_id, id)
    )${strict}`,
    `create index federation_rules_listed on federation_rules (organization_id, provider_id, created_at, id)`,
    `create table access_tokens (
      organization_id ${text} not null,
      project_id ${text} not null,
      id ${text} not null,
      digest ${bytes} not null unique,
      service_account_id ${text} not null,
      provider_id ${text} not null,
      rule_id ${text} not null,
      scopes ${text} not null,
      created_at ${integer} not null,
      expires_at ${integer} not null,
      mac ${bytes} not null,
      primary key (organization_id, id)
    )${strict}`,
    `create index access_tokens_by_provider on access_tokens (organization_id, provider_id, rule_id)`,
    `create index access_tokens_by_account on access_tokens (organization_id, service_account_id)`,
    `create index access_tokens_by_expiry on access_tokens (expires_at)`,
  ],
}
