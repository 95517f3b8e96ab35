/**
 * The row types. Times are Unix seconds, flags 0 or 1, lists JSON as text. Deleted rows stay, so that a cursor that was just deleted
 * still works and an audit row can still name its object.
 */

import type { GeneratedAlways } from 'kysely'

export interface Tables {
  organizations: OrganizationRow
  users: UserRow
  role_assignments: RoleAssignmentRow
  groups: GroupRow
  group_users: GroupUserRow
  roles: RoleRow
  invites: InviteRow
  departed: DepartedRow
  projects: ProjectRow
  service_accounts: ServiceAccountRow
  api_keys: ApiKeyRow
  admin_api_keys: AdminApiKeyRow
  audit_heads: AuditHeadRow
  audit_logs: AuditLogRow
  properties: PropertyRow
  epochs: EpochRow
  revocations: RevocationRow
  nodes: NodeRow
}

export interface OrganizationRow {
  id: string
  name: string
  created_at: number
}

export interface UserRow {
  organization_id: string
  id: string
  email: string
  name: string
  created_at: number
  api_key_last_used_at: number | null
  technical_level: string | null
  developer_persona: string | null
  deleted_at: number | null
}

/** A role that a person, service account or group holds: in the organization (`resource_id` is its id) or in a project. */
export interface RoleAssignmentRow {
  organization_id: string
  resource_id: string
  principal_id: string
  /** `owner`, `reader`, `member`, `viewer`, or the id of a custom role. */
  role: string
  created_at: number
  created_by: string | null
}

export interface GroupRow {
  organization_id: string
  id: string
  name: string
  created_at: number
  deleted_at: number | null
}

export interface GroupUserRow {
  organization_id: string
  group_id: string
  /** Of a living person or service account: the code that changes one of the three sees to it. */
  user_id: string
  created_at: number
}

/** A custom role: of the organization (`resource_id` is its id) or of one project. */
export interface RoleRow {
  organization_id: string
  resource_id: string
  id: string
  name: string
  description: string | null
  /** JSON array. */
  permissions: string
  created_at: number
  updated_at: number
  created_by: string | null
  deleted_at: number | null
}

export interface InviteRow {
  organization_id: string
  id: string
  email: string
  role: 'owner' | 'reader'
  /** JSON array of `{id, role}`. */
  projects: string
  /** Null until a link is made. */
  token_digest: Uint8Array | null
  created_at: number
  expires_at: number
  accepted_at: number | null
  created_by: string
  deleted_at: number | null
}

/** The place that a membership had in the list of a project or group (`list_id`), so that a cursor that names it still works. */
export interface DepartedRow {
  organization_id: string
  list_id: string
  id: string
  created_at: number
}

export interface ProjectRow {
  organization_id: string
  id: string
  name: string
  is_default: number
  residency: string
  external_key_id: string | null
  created_at: number
  archived_at: number | null
}

export interface ServiceAccountRow {
  organization_id: string
  project_id: string
  id: string
  name: string
  /** The built-in role that it was given itself, or `none`; whatever else it holds is in `role_assignments`. */
  role: string
  created_at: number
  deleted_at: number | null
}

interface KeyColumns {
  organization_id: string
  id: string
  name: string
  /** HMAC-SHA-256 of the key, 32 bytes. The key itself is stored nowhere. */
  digest: Uint8Array
  redacted_value: string
  /** JSON array. For project keys `[]` means all that the owner may do. */
  scopes: string
  created_at: number
  last_used_at: number | null
  expires_at: number | null
  deleted_at: number | null
}

export interface ApiKeyRow extends KeyColumns {
  project_id: string
  owner_type: 'user' | 'service_account'
  owner_id: string
  /** For ordering, made by the database: `last_used_at`, and never is before all times. */
  last_used_place: GeneratedAlways<number>
  /** For ordering, made by the database: `expires_at`, and never is after all times. */
  expires_place: GeneratedAlways<number>
}

export interface AdminApiKeyRow extends KeyColumns {
  owner_id: string
  /** 1 for a key that Keyhall did not make and whose checksum therefore says nothing. */
  is_foreign: number
}

/** The newest link of an organization's audit chain. Its row is locked by every change of the organization. */
export interface AuditHeadRow {
  organization_id: string
  seq: number
  hash: Uint8Array
}

export interface AuditLogRow {
  organization_id: string
  /** 1, 2, 3, … without a gap. */
  seq: number
  id: string
  type: string
  effective_at: number
  project_id: string | null
  actor_id: string | null
  actor_email: string | null
  actor_key_id: string | null
  resource_id: string | null
  /** The canonical bytes that the hash covers: JSON of the whole event. */
  entry: string
  hash: Uint8Array
}

/** A counter that all processes share. */
export interface EpochRow {
  name: string
  value: number
}

/** Something that lost or gained authority: what is remembered of it must be read again. */
export interface RevocationRow {
  epoch: number
  organization_id: string
  kind: 'key' | 'owner' | 'project' | 'organization'
  id: string
  created_at: number
}

/** A process that answers from memory, and up to which epoch it has forgotten what it must. */
export interface NodeRow {
  id: string
  epoch: number
  lease_milliseconds: number
  is_leaving: number
}

/** What the database knows about itself, such as the canary of the pepper. */
export interface PropertyRow {
  name: string
  value: string
}
