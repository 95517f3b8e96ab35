/** What somebody may do by the roles that they hold, directly and through groups. */
import type { Sql } from '../database/types.ts'
import { allHeldBy, grantedBy, heldBy } from './read-project-key.ts'

export interface HeldPermissions {
  /** The highest built-in role in the organization; `member` for none. */
  role: 'owner' | 'reader' | 'member'
  /** In the organization, and so in each of its projects. */
  organization: ReadonlySet<string>
  /** In the project that was asked for. */
  project: ReadonlySet<string>
}

export async function readHeldPermissions(
  sql: Sql,
  { organization_id, user_id, project_id = '' }: { organization_id: string; user_id: string; project_id?: string },
): Promise<HeldPermissions> {
  const held = await heldBy(sql, { organization_id, project_id, owner_id: user_id })
  const wide = held.filter(({ resource_id }) => resource_id === organization_id)
  const has = (role: string) => wide.some((one) => one.role === role)
  return {
    role: has('owner') ? 'owner' : has('reader') ? 'reader' : 'member',
    organization: new Set(wide.flatMap((one) => grantedBy(one, 'organization'))),
    project: new Set(held.filter((one) => !wide.includes(one)).flatMap((one) => grantedBy(one, 'project'))),
  }
}

/**
 * The ids of the projects in which a role in the project itself gives somebody a permission, also
 * through a group. Archived projects are among them.
 */
export async function projectsWith(
  sql: Sql,
  { organization_id, user_id }: { organization_id: string; user_id: string },
  permission: string,
): Promise<string[]> {
  const held = await allHeldBy(sql, { organization_id, owner_id: user_id })
  const inProjects = held.filter(({ resource_id }) => resource_id !== organization_id)
  return inProjects.filter((one) => grantedBy(one, 'project').includes(permission)).map((one) => one.resource_id)
}
