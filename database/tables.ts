/**
 * The row types. Times are Unix seconds, flags 0 or 1, lists JSON as text. Deleted rows stay, so
 * that a cursor that was just deleted still works and an audit row can still name its object.
 */

import type { Generated, GeneratedAlways } from 'kysely'
import type { IdentityTables } from './identity-tables.ts'
import type { LedgerTables } from './ledger-tables.ts'
import type { RegistryTables } from './registry-tables.ts'

export interface Tables extends LedgerTables, IdentityTables, RegistryTables {
  organizations: OrganizationRow
  users: UserRow
  role_assignments: RoleAssignmentRow
  groups: GroupRow
  group_users: GroupUserRow
  roles: RoleRow
  invites: InviteRow
  left_memberships: LeftMembershipRow
  projects: ProjectRow
  service_accounts: ServiceAccountRow
  api_keys: ApiKeyRow
  admin_api_keys: AdminApiKeyRow
  audit_heads: AuditHeadRow
  audit_logs: AuditLogRow
  metadata: MetadataRow
  counters: CounterRow
  revocations: RevocationRow
  nodes: NodeRow
  commits: CommitRow
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

/**
 * A role that a person, service account or group holds: in the organization (`resource_id` is its
 * id) or in a project.
 */
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
  /**
   * The id of a person or service account that is not deleted. No foreign key checks it: the code
   * that changes any of the three tables does.
   */
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
  /** `member` is no role in the organization. */
  role: 'owner' | 'reader' | 'member'
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

/**
 * A membership that ended, in the list of a project or group (`list_id`): a cursor that names it
 * still works.
 */
export interface LeftMembershipRow {
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
  /**
   * The built-in role that it was given itself, or `none`; whatever else it holds is in
   * `role_assignments`.
   */
  role: string
  created_at: number
  deleted_at: number | null
}

interface KeyColumns {
  organization_id: string
  id: string
  name: string
  /** HMAC-SHA-256 of the key, 32 bytes. The key itself is not stored. */
  digest: Uint8Array
  redacted_value: string
  /** JSON array. For project keys `[]` means all that the owner may do. */
  scopes: string
  created_at: number
  last_used_at: number | null
  expires_at: number | null
  deleted_at: number | null
  /** Authenticates the row of a living key, see keys/key-mac.ts; null for a deleted one. */
  mac: Uint8Array | null
  /** 1 when the digest was made with a newer pepper than the seal inside the key. */
  is_redigested: Generated<number>
}

export interface ApiKeyRow extends KeyColumns {
  project_id: string
  owner_type: 'user' | 'service_account'
  owner_id: string
  /** How often scopes or expiry were changed; the MAC covers it. */
  version: Generated<number>
  /** What lists sort by, generated: `last_used_at`, or 0 for a key that was never used. */
  last_used_sort: GeneratedAlways<number>
  /** What lists sort by, generated: `expires_at`, or 9999999999999 for a key that never expires. */
  expires_sort: GeneratedAlways<number>
}

export interface AdminApiKeyRow extends KeyColumns {
  owner_id: string
  /** 1 for a key that Keyhall did not make and whose checksum therefore says nothing. */
  is_imported: number
  /**
   * 1 if the scopes were given when the key was made, and are therefore part of what is read of it.
   */
  shows_scopes: Generated<number>
  /** What lists sort by, generated, as with keys of projects. */
  last_used_sort: GeneratedAlways<number>
  expires_sort: GeneratedAlways<number>
}

/**
 * The newest link of an organization's audit chain. Its row is locked by every change of the
 * organization.
 */
export interface AuditHeadRow {
  organization_id: string
  seq: number
  hash: Uint8Array
  /** The first row that must have a seal; null while no server that seals has written. */
  sealed_from: number | null
  /**
   * The first row that was written upon a head without a valid seal: what stands before it may have
   * been changed.
   */
  doubtful_seq: number | null
  /** HMAC over the columns above. */
  seal: Uint8Array | null
  pepper_name: string | null
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
  /** HMAC over organization, `seq` and `hash`; null in rows from before there were seals. */
  seal: Uint8Array | null
  pepper_name: string | null
}

/** A counter that all processes share. */
export interface CounterRow {
  name: string
  value: number
}

/** A change after which remembered keys must be read again. */
export interface RevocationRow {
  epoch: number
  organization_id: string
  kind: 'key' | 'owner' | 'project' | 'organization'
  id: string
  created_at: number
}

/** A process that answers from memory, and the last epoch whose revocations it has applied. */
export interface NodeRow {
  id: string
  epoch: number
  lease_milliseconds: number
  /**
   * 1 when another process stopped waiting for this one, which must register anew before it answers
   * from memory again.
   */
  is_evicted: number
  /** The name of its process lock; null where there is none. */
  lock: string | null
}

/** What the database knows about itself, such as the canary of the pepper. */
export interface MetadataRow {
  name: string
  value: string
}

/** A change that was committed; written on PostgreSQL only, and kept for some minutes. */
export interface CommitRow {
  id: string
  created_at: number
  /**
   * 1 for the row of a process that lost its connection during the COMMIT, and found that the
   * change had not been made.
   */
  is_void: number
}
