/** On whose behalf an administration call runs, and what it may do. */
import { adminScopes, type AdminScope } from '../contract/scopes.ts'

export interface Caller {
  organization_id: string
  /** The person: the owner of the admin key, who is signed in, or whom the body identifies. */
  user_id: string
  email: string
  /** The admin key that makes the call. */
  key_id: string | null
  /** The session that makes the call; with the scopes of the admin key that it began with. */
  session: { id: string; expires_at: number; scopes: readonly AdminScope[] | null } | null
  /**
   * Whether it may do what the permission stands for: in the organization as a whole, and where the
   * path of an operation that projects open names one, in that project.
   */
  may: (permission: string) => boolean
}

/**
 * What an admin key may do: of administration what its scopes say, and all else, because its owner
 * owns the organization.
 */
export const mayByScopes =
  (scopes: readonly AdminScope[]): Caller['may'] =>
  (permission) =>
    isAdminScope(permission) ? scopes.includes(permission) : true

export const isAdminScope = (permission: string): permission is AdminScope =>
  (adminScopes as readonly string[]).includes(permission)
