/**
 * What a subject still has after a revocation. In an older database everything else is taken from
 * it.
 */
import type { Sql } from '../../database/types.ts'
import { findRow } from './rows.ts'
import type { Peppers } from '../../keys/digest.ts'
import { hasMac } from '../../keys/key-mac.ts'
import { trustDigest } from '../../keys/trust-mac.ts'
import type { Subject } from './subject.ts'

export interface SubjectState {
  /** False when it was deleted, archived, accepted, or is not there. */
  alive: boolean
  /** Of a project key: JSON as it is stored. */
  scopes?: string
  expires_at?: number | null
  /** Of a project key whose row is not forged. */
  version?: number
  /** The built-in role of a service account. */
  account_role?: string
  /** What an owner or a group holds directly: pairs of resource and role. */
  roles?: [resource_id: string, role: string][]
  /** The groups that an owner is in. */
  groups?: string[]
  /** Of a custom role. */
  permissions?: string[]
  /** Of a workload identity provider or one of its rules: a digest of all that decides. */
  trust?: string
}

export function readState(
  sql: Sql,
  peppers: Peppers,
  organization_id: string,
  { kind, id }: Subject,
): Promise<SubjectState> {
  return readers[kind](sql, organization_id, id, peppers)
}

type Reader = (sql: Sql, organization_id: string, id: string, peppers: Peppers) => Promise<SubjectState>

const readers: Record<Subject['kind'], Reader> = {
  async key(sql, organization_id, id, peppers) {
    const project = await findRow(sql, 'api_keys', organization_id, id)
    if (project) {
      const { deleted_at, scopes, expires_at, version } = project
      const isGenuine = hasMac(peppers, 'api_keys', project)
      return { alive: deleted_at === null, scopes, expires_at, ...(isGenuine && { version }) }
    }
    const admin = await findRow(sql, 'admin_api_keys', organization_id, id)
    return { alive: admin?.deleted_at === null }
  },

  async owner(sql, organization_id, id) {
    const person = await findRow(sql, 'users', organization_id, id)
    const account = await findRow(sql, 'service_accounts', organization_id, id)
    const memberships = await sql
      .selectFrom('group_users')
      .select('group_id')
      .where('organization_id', '=', organization_id)
      .where('user_id', '=', id)
      .execute()
    return {
      alive: (person ?? account)?.deleted_at === null,
      roles: await rolesOf(sql, organization_id, id),
      groups: memberships.map(({ group_id }) => group_id),
      ...(account && { account_role: account.role }),
    }
  },

  async project(sql, organization_id, id) {
    const row = await findRow(sql, 'projects', organization_id, id)
    return { alive: row?.archived_at === null }
  },

  async group(sql, organization_id, id) {
    const row = await findRow(sql, 'groups', organization_id, id)
    return { alive: row?.deleted_at === null, roles: await rolesOf(sql, organization_id, id) }
  },

  async role(sql, organization_id, id) {
    const row = await findRow(sql, 'roles', organization_id, id)
    return { alive: row?.deleted_at === null, permissions: row ? (JSON.parse(row.permissions) as string[]) : [] }
  },

  async invite(sql, organization_id, id) {
    const row = await findRow(sql, 'invites', organization_id, id)
    return { alive: row !== undefined && row.deleted_at === null && row.accepted_at === null }
  },

  async provider(sql, organization_id, id) {
    const row = await findRow(sql, 'identity_providers', organization_id, id)
    return { alive: row?.deleted_at === null, ...(row && { trust: trustDigest('identity_providers', row) }) }
  },

  async session(sql, organization_id, id) {
    const row = await findRow(sql, 'sessions', organization_id, id)
    return { alive: row?.ended_at === null }
  },

  async rule(sql, organization_id, id) {
    const row = await findRow(sql, 'federation_rules', organization_id, id)
    return { alive: row?.deleted_at === null, ...(row && { trust: trustDigest('federation_rules', row) }) }
  },
}

async function rolesOf(sql: Sql, organization_id: string, principal_id: string): Promise<[string, string][]> {
  const rows = await sql
    .selectFrom('role_assignments')
    .select(['resource_id', 'role'])
    .where('organization_id', '=', organization_id)
    .where('principal_id', '=', principal_id)
    .execute()
  return rows.map(({ resource_id, role }) => [resource_id, role])
}
