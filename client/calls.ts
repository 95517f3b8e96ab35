/**
 * How each operation is called. Written by `npm run docs` from `contract/`; a check fails when
 * it is out of date.
 */
import type { contract } from '../contract/index.ts'
import type { Calls } from './client-call.ts'

const [none, key, list] = [[], { needsKey: true, isList: false }, { needsKey: true, isList: true }] as const

export const calls: Calls<typeof contract.admin> = {
  organization: {
    adminAPIKeys: {
      list: { method: 'GET', path: '/organization/admin_api_keys', query: ['after', 'limit', 'order'], body: none, ...list },
      create: { method: 'POST', path: '/organization/admin_api_keys', query: none, body: ['name', 'expires_in_seconds', 'scopes'], ...key },
      retrieve: { method: 'GET', path: '/organization/admin_api_keys/{key_id}', query: none, body: none, ...key },
      delete: { method: 'DELETE', path: '/organization/admin_api_keys/{key_id}', query: none, body: none, ...key },
    },
    auditLogs: {
      list: { method: 'GET', path: '/organization/audit_logs', query: ['after', 'before', 'limit', 'effective_at', 'project_ids', 'event_types', 'actor_ids', 'actor_emails', 'resource_ids', 'tenant_only'], body: none, ...list },
      chain: {
        retrieve: { method: 'GET', path: '/organization/audit_logs/chain', query: none, body: none, ...key },
      },
    },
    apiKeys: {
      list: { method: 'GET', path: '/organization/api_keys', query: ['after', 'limit', 'kinds', 'project_ids', 'owner_ids', 'owner_type', 'owner_project_access', 'never_used', 'last_used_before', 'last_used_after', 'created_before', 'created_after', 'expires_before', 'never_expires', 'name', 'order_by', 'order'], body: none, ...list },
    },
    users: {
      list: { method: 'GET', path: '/organization/users', query: ['after', 'limit', 'emails'], body: none, ...list },
      retrieve: { method: 'GET', path: '/organization/users/{user_id}', query: none, body: none, ...key },
      update: { method: 'POST', path: '/organization/users/{user_id}', query: none, body: ['role', 'role_id', 'technical_level', 'developer_persona'], ...key },
      delete: { method: 'DELETE', path: '/organization/users/{user_id}', query: none, body: none, ...key },
      roles: {
        list: { method: 'GET', path: '/organization/users/{user_id}/roles', query: ['after', 'limit', 'order'], body: none, ...list },
        create: { method: 'POST', path: '/organization/users/{user_id}/roles', query: none, body: ['role_id'], ...key },
        retrieve: { method: 'GET', path: '/organization/users/{user_id}/roles/{role_id}', query: none, body: none, ...key },
        delete: { method: 'DELETE', path: '/organization/users/{user_id}/roles/{role_id}', query: none, body: none, ...key },
      },
      access: {
        retrieve: { method: 'GET', path: '/organization/users/{user_id}/access', query: none, body: none, ...key },
      },
    },
    invites: {
      list: { method: 'GET', path: '/organization/invites', query: ['after', 'limit'], body: none, ...list },
      create: { method: 'POST', path: '/organization/invites', query: none, body: ['email', 'role', 'projects'], ...key },
      retrieve: { method: 'GET', path: '/organization/invites/{invite_id}', query: none, body: none, ...key },
      delete: { method: 'DELETE', path: '/organization/invites/{invite_id}', query: none, body: none, ...key },
      accept: { method: 'POST', path: '/organization/invites/accept', query: none, body: ['token', 'name'], needsKey: false, isList: false },
    },
    groups: {
      list: { method: 'GET', path: '/organization/groups', query: ['after', 'limit', 'order'], body: none, ...list },
      create: { method: 'POST', path: '/organization/groups', query: none, body: ['name'], ...key },
      retrieve: { method: 'GET', path: '/organization/groups/{group_id}', query: none, body: none, ...key },
      update: { method: 'POST', path: '/organization/groups/{group_id}', query: none, body: ['name'], ...key },
      delete: { method: 'DELETE', path: '/organization/groups/{group_id}', query: none, body: none, ...key },
      users: {
        list: { method: 'GET', path: '/organization/groups/{group_id}/users', query: ['after', 'limit', 'order'], body: none, ...list },
        create: { method: 'POST', path: '/organization/groups/{group_id}/users', query: none, body: ['user_id'], ...key },
        retrieve: { method: 'GET', path: '/organization/groups/{group_id}/users/{user_id}', query: none, body: none, ...key },
        delete: { method: 'DELETE', path: '/organization/groups/{group_id}/users/{user_id}', query: none, body: none, ...key },
      },
      roles: {
        list: { method: 'GET', path: '/organization/groups/{group_id}/roles', query: ['after', 'limit', 'order'], body: none, ...list },
        create: { method: 'POST', path: '/organization/groups/{group_id}/roles', query: none, body: ['role_id'], ...key },
        retrieve: { method: 'GET', path: '/organization/groups/{group_id}/roles/{role_id}', query: none, body: none, ...key },
        delete: { method: 'DELETE', path: '/organization/groups/{group_id}/roles/{role_id}', query: none, body: none, ...key },
      },
    },
    roles: {
      list: { method: 'GET', path: '/organization/roles', query: ['after', 'limit', 'order'], body: none, ...list },
      create: { method: 'POST', path: '/organization/roles', query: none, body: ['role_name', 'permissions', 'description'], ...key },
      retrieve: { method: 'GET', path: '/organization/roles/{role_id}', query: none, body: none, ...key },
      update: { method: 'POST', path: '/organization/roles/{role_id}', query: none, body: ['role_name', 'permissions', 'description'], ...key },
      delete: { method: 'DELETE', path: '/organization/roles/{role_id}', query: none, body: none, ...key },
      holders: {
        list: { method: 'GET', path: '/organization/roles/{role_id}/holders', query: ['after', 'limit', 'order'], body: none, ...list },
      },
    },
    usage: {
      completions: { method: 'GET', path: '/organization/usage/completions', query: ['start_time', 'end_time', 'page', 'bucket_width', 'limit', 'group_by', 'project_ids', 'user_ids', 'api_key_ids', 'models', 'batch'], body: none, ...key },
      decisions: { method: 'GET', path: '/organization/usage/decisions', query: ['start_time', 'end_time', 'page', 'bucket_width', 'limit', 'group_by', 'project_ids', 'user_ids', 'api_key_ids', 'models', 'batch'], body: none, ...key },
      embeddings: { method: 'GET', path: '/organization/usage/embeddings', query: ['start_time', 'end_time', 'page', 'bucket_width', 'limit', 'group_by', 'project_ids', 'user_ids', 'api_key_ids', 'models'], body: none, ...key },
      moderations: { method: 'GET', path: '/organization/usage/moderations', query: ['start_time', 'end_time', 'page', 'bucket_width', 'limit', 'group_by', 'project_ids', 'user_ids', 'api_key_ids', 'models'], body: none, ...key },
      images: { method: 'GET', path: '/organization/usage/images', query: ['start_time', 'end_time', 'page', 'bucket_width', 'limit', 'group_by', 'project_ids', 'user_ids', 'api_key_ids', 'models', 'sizes', 'sources'], body: none, ...key },
      audioSpeeches: { method: 'GET', path: '/organization/usage/audio_speeches', query: ['start_time', 'end_time', 'page', 'bucket_width', 'limit', 'group_by', 'project_ids', 'user_ids', 'api_key_ids', 'models'], body: none, ...key },
      audioTranscriptions: { method: 'GET', path: '/organization/usage/audio_transcriptions', query: ['start_time', 'end_time', 'page', 'bucket_width', 'limit', 'group_by', 'project_ids', 'user_ids', 'api_key_ids', 'models'], body: none, ...key },
      vectorStores: { method: 'GET', path: '/organization/usage/vector_stores', query: ['start_time', 'end_time', 'page', 'bucket_width', 'limit', 'group_by', 'project_ids'], body: none, ...key },
      codeInterpreterSessions: { method: 'GET', path: '/organization/usage/code_interpreter_sessions', query: ['start_time', 'end_time', 'page', 'bucket_width', 'limit', 'group_by', 'project_ids'], body: none, ...key },
      fileSearchCalls: { method: 'GET', path: '/organization/usage/file_search_calls', query: ['start_time', 'end_time', 'page', 'bucket_width', 'limit', 'group_by', 'project_ids', 'user_ids', 'api_key_ids', 'vector_store_ids'], body: none, ...key },
      webSearchCalls: { method: 'GET', path: '/organization/usage/web_search_calls', query: ['start_time', 'end_time', 'page', 'bucket_width', 'limit', 'group_by', 'project_ids', 'user_ids', 'api_key_ids', 'models', 'context_levels'], body: none, ...key },
      costs: { method: 'GET', path: '/organization/costs', query: ['start_time', 'end_time', 'page', 'bucket_width', 'limit', 'group_by', 'project_ids', 'user_ids', 'api_key_ids', 'line_items'], body: none, ...key },
    },
    sessions: {
      list: { method: 'GET', path: '/organization/sessions', query: ['after', 'limit', 'user_id'], body: none, ...list },
      create: { method: 'POST', path: '/organization/sessions', query: none, body: ['admin_key', 'token'], needsKey: false, isList: false },
      delete: { method: 'DELETE', path: '/organization/sessions/{session_id}', query: none, body: none, ...key },
      links: {
        create: { method: 'POST', path: '/organization/sessions/links', query: none, body: ['email'], needsKey: false, isList: false },
      },
    },
    server: {
      retrieve: { method: 'GET', path: '/organization/server', query: none, body: none, ...key },
    },
    me: {
      retrieve: { method: 'GET', path: '/organization/me', query: none, body: none, ...key },
      apiKeys: {
        list: { method: 'GET', path: '/organization/me/api_keys', query: ['after', 'limit', 'project_id'], body: none, ...list },
        create: { method: 'POST', path: '/organization/me/api_keys', query: none, body: ['project_id', 'name', 'scopes', 'expires_in_seconds'], ...key },
        rotate: { method: 'POST', path: '/organization/me/api_keys/{api_key_id}/rotate', query: none, body: ['overlap_seconds', 'expires_in_seconds'], ...key },
        delete: { method: 'DELETE', path: '/organization/me/api_keys/{api_key_id}', query: none, body: none, ...key },
      },
      limits: {
        retrieve: { method: 'GET', path: '/organization/me/projects/{project_id}/limits', query: none, body: none, ...key },
      },
    },
    dataRetention: {
      retrieve: { method: 'GET', path: '/organization/data_retention', query: none, body: none, ...key },
      update: { method: 'POST', path: '/organization/data_retention', query: none, body: ['retention_type'], ...key },
    },
    externalKeys: {
      list: { method: 'GET', path: '/organization/external_keys', query: ['after', 'limit', 'order', 'purpose'], body: none, ...list },
      create: { method: 'POST', path: '/organization/external_keys', query: none, body: ['name', 'type', 'purpose', 'audience', 'external_id', 'key_name', 'key_ocid', 'key_version', 'key_version_ocid', 'kms_arn', 'kms_key_location', 'kms_key_name', 'kms_key_ring_name', 'kms_key_version', 'kms_project_id', 'region', 'role_arn', 'tenant_id', 'vault_ocid', 'vault_uri', 'workload_identity_pool_id', 'workload_identity_project_number', 'workload_identity_provider_id'], ...key },
      retrieve: { method: 'GET', path: '/organization/external_keys/{external_key_id}', query: none, body: none, ...key },
      delete: { method: 'DELETE', path: '/organization/external_keys/{external_key_id}', query: none, body: none, ...key },
      validate: { method: 'POST', path: '/organization/external_keys/{external_key_id}/validate', query: none, body: none, ...key },
    },
    externalStorage: {
      list: { method: 'GET', path: '/organization/external_storage', query: ['after', 'limit', 'order', 'project_id'], body: none, ...list },
      create: { method: 'POST', path: '/organization/external_storage', query: none, body: ['project_id', 'provider'], ...key },
      retrieve: { method: 'GET', path: '/organization/external_storage/{external_storage_id}', query: none, body: none, ...key },
      delete: { method: 'DELETE', path: '/organization/external_storage/{external_storage_id}', query: none, body: none, ...key },
      validate: { method: 'POST', path: '/organization/external_storage/{external_storage_id}/validate', query: none, body: none, ...key },
    },
    ipAllowlists: {
      list: { method: 'GET', path: '/organization/ip_allowlists', query: ['after', 'limit', 'order'], body: none, ...list },
      activate: { method: 'POST', path: '/organization/ip_allowlists/activate', query: none, body: ['ip_allowlist_ids', 'force'], ...list },
      deactivate: { method: 'POST', path: '/organization/ip_allowlists/deactivate', query: none, body: ['ip_allowlist_ids', 'force'], ...list },
      create: { method: 'POST', path: '/organization/ip_allowlists', query: none, body: ['name', 'allowed_ips'], ...key },
      retrieve: { method: 'GET', path: '/organization/ip_allowlists/{ip_allowlist_id}', query: none, body: none, ...key },
      update: { method: 'POST', path: '/organization/ip_allowlists/{ip_allowlist_id}', query: none, body: ['name', 'allowed_ips', 'force'], ...key },
      delete: { method: 'DELETE', path: '/organization/ip_allowlists/{ip_allowlist_id}', query: none, body: none, ...key },
    },
    spendLimit: {
      retrieve: { method: 'GET', path: '/organization/spend_limit', query: none, body: none, ...key },
      update: { method: 'POST', path: '/organization/spend_limit', query: none, body: ['threshold_amount', 'currency', 'interval'], ...key },
      delete: { method: 'DELETE', path: '/organization/spend_limit', query: none, body: none, ...key },
    },
    spendAlerts: {
      list: { method: 'GET', path: '/organization/spend_alerts', query: ['after', 'before', 'limit', 'order'], body: none, ...list },
      create: { method: 'POST', path: '/organization/spend_alerts', query: none, body: ['threshold_amount', 'currency', 'interval', 'notification_channel'], ...key },
      retrieve: { method: 'GET', path: '/organization/spend_alerts/{alert_id}', query: none, body: none, ...key },
      update: { method: 'POST', path: '/organization/spend_alerts/{alert_id}', query: none, body: ['threshold_amount', 'currency', 'interval', 'notification_channel'], ...key },
      delete: { method: 'DELETE', path: '/organization/spend_alerts/{alert_id}', query: none, body: none, ...key },
    },
    certificates: {
      list: { method: 'GET', path: '/organization/certificates', query: ['after', 'limit', 'order'], body: none, ...list },
      activate: { method: 'POST', path: '/organization/certificates/activate', query: none, body: ['certificate_ids'], ...list },
      deactivate: { method: 'POST', path: '/organization/certificates/deactivate', query: none, body: ['certificate_ids'], ...list },
      create: { method: 'POST', path: '/organization/certificates', query: none, body: ['certificate', 'name'], ...key },
      retrieve: { method: 'GET', path: '/organization/certificates/{certificate_id}', query: ['include'], body: none, ...key },
      update: { method: 'POST', path: '/organization/certificates/{certificate_id}', query: none, body: ['name'], ...key },
      delete: { method: 'DELETE', path: '/organization/certificates/{certificate_id}', query: none, body: none, ...key },
    },
    workloadIdentityProviders: {
      list: { method: 'GET', path: '/organization/workload_identity_providers', query: ['after', 'limit', 'order'], body: none, ...list },
      create: { method: 'POST', path: '/organization/workload_identity_providers', query: none, body: ['name', 'type', 'issuer', 'audience', 'description', 'attribute_transformations', 'verification', 'enabled'], ...key },
      retrieve: { method: 'GET', path: '/organization/workload_identity_providers/{workload_identity_provider_id}', query: none, body: none, ...key },
      update: { method: 'POST', path: '/organization/workload_identity_providers/{workload_identity_provider_id}', query: none, body: ['name', 'issuer', 'audience', 'description', 'attribute_transformations', 'verification', 'enabled'], ...key },
      delete: { method: 'DELETE', path: '/organization/workload_identity_providers/{workload_identity_provider_id}', query: none, body: none, ...key },
      federationRules: {
        list: { method: 'GET', path: '/organization/workload_identity_providers/{workload_identity_provider_id}/federation_rules', query: ['after', 'limit', 'order', 'service_account_id'], body: none, ...list },
        create: { method: 'POST', path: '/organization/workload_identity_providers/{workload_identity_provider_id}/federation_rules', query: none, body: ['attribute_matchers', 'project_id', 'service_account_id', 'name', 'description', 'permissions', 'enabled'], ...key },
        retrieve: { method: 'GET', path: '/organization/workload_identity_providers/{workload_identity_provider_id}/federation_rules/{workload_identity_federation_rule_id}', query: none, body: none, ...key },
        update: { method: 'POST', path: '/organization/workload_identity_providers/{workload_identity_provider_id}/federation_rules/{workload_identity_federation_rule_id}', query: none, body: ['attribute_matchers', 'name', 'description', 'permissions', 'enabled'], ...key },
        delete: { method: 'DELETE', path: '/organization/workload_identity_providers/{workload_identity_provider_id}/federation_rules/{workload_identity_federation_rule_id}', query: none, body: none, ...key },
      },
    },
    projects: {
      list: { method: 'GET', path: '/organization/projects', query: ['after', 'limit', 'include_archived', 'ids', 'name'], body: none, ...list },
      create: { method: 'POST', path: '/organization/projects', query: none, body: ['name', 'residency', 'geography', 'external_key_id'], ...key },
      retrieve: { method: 'GET', path: '/organization/projects/{project_id}', query: none, body: none, ...key },
      update: { method: 'POST', path: '/organization/projects/{project_id}', query: none, body: ['name', 'geography', 'external_key_id'], ...key },
      archive: { method: 'POST', path: '/organization/projects/{project_id}/archive', query: none, body: none, ...key },
      users: {
        list: { method: 'GET', path: '/organization/projects/{project_id}/users', query: ['after', 'limit'], body: none, ...list },
        create: { method: 'POST', path: '/organization/projects/{project_id}/users', query: none, body: ['user_id', 'email', 'role'], ...key },
        retrieve: { method: 'GET', path: '/organization/projects/{project_id}/users/{user_id}', query: none, body: none, ...key },
        update: { method: 'POST', path: '/organization/projects/{project_id}/users/{user_id}', query: none, body: ['role'], ...key },
        delete: { method: 'DELETE', path: '/organization/projects/{project_id}/users/{user_id}', query: none, body: none, ...key },
        roles: {
          list: { method: 'GET', path: '/projects/{project_id}/users/{user_id}/roles', query: ['after', 'limit', 'order'], body: none, ...list },
          create: { method: 'POST', path: '/projects/{project_id}/users/{user_id}/roles', query: none, body: ['role_id'], ...key },
          retrieve: { method: 'GET', path: '/projects/{project_id}/users/{user_id}/roles/{role_id}', query: none, body: none, ...key },
          delete: { method: 'DELETE', path: '/projects/{project_id}/users/{user_id}/roles/{role_id}', query: none, body: none, ...key },
        },
      },
      groups: {
        list: { method: 'GET', path: '/organization/projects/{project_id}/groups', query: ['after', 'limit', 'order'], body: none, ...list },
        create: { method: 'POST', path: '/organization/projects/{project_id}/groups', query: none, body: ['group_id', 'role'], ...key },
        retrieve: { method: 'GET', path: '/organization/projects/{project_id}/groups/{group_id}', query: ['group_type'], body: none, ...key },
        delete: { method: 'DELETE', path: '/organization/projects/{project_id}/groups/{group_id}', query: none, body: none, ...key },
        roles: {
          list: { method: 'GET', path: '/projects/{project_id}/groups/{group_id}/roles', query: ['after', 'limit', 'order'], body: none, ...list },
          create: { method: 'POST', path: '/projects/{project_id}/groups/{group_id}/roles', query: none, body: ['role_id'], ...key },
          retrieve: { method: 'GET', path: '/projects/{project_id}/groups/{group_id}/roles/{role_id}', query: none, body: none, ...key },
          delete: { method: 'DELETE', path: '/projects/{project_id}/groups/{group_id}/roles/{role_id}', query: none, body: none, ...key },
        },
      },
      roles: {
        list: { method: 'GET', path: '/projects/{project_id}/roles', query: ['after', 'limit', 'order'], body: none, ...list },
        create: { method: 'POST', path: '/projects/{project_id}/roles', query: none, body: ['role_name', 'permissions', 'description'], ...key },
        retrieve: { method: 'GET', path: '/projects/{project_id}/roles/{role_id}', query: none, body: none, ...key },
        update: { method: 'POST', path: '/projects/{project_id}/roles/{role_id}', query: none, body: ['role_name', 'permissions', 'description'], ...key },
        delete: { method: 'DELETE', path: '/projects/{project_id}/roles/{role_id}', query: none, body: none, ...key },
        holders: {
          list: { method: 'GET', path: '/projects/{project_id}/roles/{role_id}/holders', query: ['after', 'limit', 'order'], body: none, ...list },
        },
      },
      rateLimits: {
        listRateLimits: { method: 'GET', path: '/organization/projects/{project_id}/rate_limits', query: ['after', 'before', 'limit'], body: none, ...list },
        updateRateLimit: { method: 'POST', path: '/organization/projects/{project_id}/rate_limits/{rate_limit_id}', query: none, body: ['max_requests_per_1_minute', 'max_tokens_per_1_minute', 'max_images_per_1_minute', 'max_audio_megabytes_per_1_minute', 'max_requests_per_1_day', 'batch_1_day_max_input_tokens'], ...key },
      },
      modelPermissions: {
        retrieve: { method: 'GET', path: '/organization/projects/{project_id}/model_permissions', query: none, body: none, ...key },
        update: { method: 'POST', path: '/organization/projects/{project_id}/model_permissions', query: none, body: ['mode', 'model_ids'], ...key },
        delete: { method: 'DELETE', path: '/organization/projects/{project_id}/model_permissions', query: none, body: none, ...key },
      },
      hostedToolPermissions: {
        retrieve: { method: 'GET', path: '/organization/projects/{project_id}/hosted_tool_permissions', query: none, body: none, ...key },
        update: { method: 'POST', path: '/organization/projects/{project_id}/hosted_tool_permissions', query: none, body: ['file_search', 'web_search', 'image_generation', 'mcp', 'code_interpreter'], ...key },
      },
      serviceTierSettings: {
        retrieve: { method: 'GET', path: '/organization/projects/{project_id}/service_tier_settings', query: none, body: none, ...key },
        update: { method: 'POST', path: '/organization/projects/{project_id}/service_tier_settings', query: none, body: ['default', 'enabled_tiers'], ...key },
      },
      dataRetention: {
        retrieve: { method: 'GET', path: '/organization/projects/{project_id}/data_retention', query: none, body: none, ...key },
        update: { method: 'POST', path: '/organization/projects/{project_id}/data_retention', query: none, body: ['retention_type'], ...key },
      },
      ipAllowlists: {
        list: { method: 'GET', path: '/organization/projects/{project_id}/ip_allowlists', query: ['after', 'limit', 'order'], body: none, ...list },
        activate: { method: 'POST', path: '/organization/projects/{project_id}/ip_allowlists/activate', query: none, body: ['ip_allowlist_ids'], ...list },
        deactivate: { method: 'POST', path: '/organization/projects/{project_id}/ip_allowlists/deactivate', query: none, body: ['ip_allowlist_ids'], ...list },
      },
      spendLimit: {
        retrieve: { method: 'GET', path: '/organization/projects/{project_id}/spend_limit', query: none, body: none, ...key },
        update: { method: 'POST', path: '/organization/projects/{project_id}/spend_limit', query: none, body: ['threshold_amount', 'currency', 'interval'], ...key },
        delete: { method: 'DELETE', path: '/organization/projects/{project_id}/spend_limit', query: none, body: none, ...key },
      },
      spendAlerts: {
        list: { method: 'GET', path: '/organization/projects/{project_id}/spend_alerts', query: ['after', 'before', 'limit', 'order'], body: none, ...list },
        create: { method: 'POST', path: '/organization/projects/{project_id}/spend_alerts', query: none, body: ['threshold_amount', 'currency', 'interval', 'notification_channel'], ...key },
        retrieve: { method: 'GET', path: '/organization/projects/{project_id}/spend_alerts/{alert_id}', query: none, body: none, ...key },
        update: { method: 'POST', path: '/organization/projects/{project_id}/spend_alerts/{alert_id}', query: none, body: ['threshold_amount', 'currency', 'interval', 'notification_channel'], ...key },
        delete: { method: 'DELETE', path: '/organization/projects/{project_id}/spend_alerts/{alert_id}', query: none, body: none, ...key },
      },
      certificates: {
        list: { method: 'GET', path: '/organization/projects/{project_id}/certificates', query: ['after', 'limit', 'order'], body: none, ...list },
        activate: { method: 'POST', path: '/organization/projects/{project_id}/certificates/activate', query: none, body: ['certificate_ids'], ...list },
        deactivate: { method: 'POST', path: '/organization/projects/{project_id}/certificates/deactivate', query: none, body: ['certificate_ids'], ...list },
      },
      limits: {
        retrieve: { method: 'GET', path: '/organization/projects/{project_id}/limits', query: none, body: none, ...key },
      },
      apiKeys: {
        list: { method: 'GET', path: '/organization/projects/{project_id}/api_keys', query: ['after', 'limit', 'owner_project_access'], body: none, ...list },
        create: { method: 'POST', path: '/organization/projects/{project_id}/api_keys', query: none, body: ['name', 'user_id', 'scopes', 'expires_in_seconds'], ...key },
        retrieve: { method: 'GET', path: '/organization/projects/{project_id}/api_keys/{api_key_id}', query: none, body: none, ...key },
        update: { method: 'POST', path: '/organization/projects/{project_id}/api_keys/{api_key_id}', query: none, body: ['scopes', 'expires_in_seconds'], ...key },
        rotate: { method: 'POST', path: '/organization/projects/{project_id}/api_keys/{api_key_id}/rotate', query: none, body: ['overlap_seconds', 'expires_in_seconds'], ...key },
        delete: { method: 'DELETE', path: '/organization/projects/{project_id}/api_keys/{api_key_id}', query: none, body: none, ...key },
      },
      serviceAccounts: {
        list: { method: 'GET', path: '/organization/projects/{project_id}/service_accounts', query: ['after', 'limit'], body: none, ...list },
        create: { method: 'POST', path: '/organization/projects/{project_id}/service_accounts', query: none, body: ['name', 'create_service_account_only', 'expires_in_seconds'], ...key },
        retrieve: { method: 'GET', path: '/organization/projects/{project_id}/service_accounts/{service_account_id}', query: none, body: none, ...key },
        update: { method: 'POST', path: '/organization/projects/{project_id}/service_accounts/{service_account_id}', query: none, body: ['name', 'role'], ...key },
        delete: { method: 'DELETE', path: '/organization/projects/{project_id}/service_accounts/{service_account_id}', query: none, body: none, ...key },
        apiKeys: {
          create: { method: 'POST', path: '/organization/projects/{project_id}/service_accounts/{service_account_id}/api_keys', query: none, body: ['name', 'scopes', 'expires_in_seconds'], ...key },
        },
      },
    },
  },
}
