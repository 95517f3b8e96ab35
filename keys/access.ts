/**
 * Which role the owner of a key has in a project, as SQL. A person or service account has all roles
 * that are held directly and through groups, in the organization and in the project; an owner of
 * the organization is an owner of every project. A service account's built-in role is
 * `service_accounts.role`; further roles are rows in `role_assignments`.
 */
import { sql, type RawBuilder } from 'kysely'

/**
 * By rank; the highest role held counts. Rank 1 is a custom role alone: whoever holds one is a
 * member.
 */
const ranks = ['none', 'member', 'viewer', 'member', 'owner'] as const
export type ProjectRole = (typeof ranks)[number]

/** The role shown for a person: the higher of those held directly and through groups. */
export const roleOf = (direct: number | null, grouped: number | null): ProjectRole =>
  ranks[Math.max(direct ?? 0, grouped ?? 0)] ?? 'none'

/**
 * The role shown for a service account. OpenAI's schema has no viewer for service accounts, so one
 * that holds any role is at least a member.
 */
export function accountRole(
  builtInRole: string,
  direct: number | null,
  grouped: number | null,
): 'owner' | 'member' | 'none' {
  const assigned = roleOf(direct, grouped)
  if (builtInRole === 'owner' || assigned === 'owner') return 'owner'
  return builtInRole === 'none' && assigned === 'none' ? 'none' : 'member'
}

const rank = sql<number | null>`max(case
  when held.role = 'owner' then 4
  when held.resource_id = held.organization_id then 0
  when held.role = 'member' then 3
  when held.role = 'viewer' then 2
  else 1 end)`

/** The names of the columns that hold the person and the place, such as `item.owner_id`. */
export interface At {
  organization: string
  project: string
  user: string
}

const where = ({ organization, project }: At) => sql`
  held.organization_id = ${sql.ref(organization)} and held.resource_id in (${sql.ref(organization)}, ${sql.ref(project)})`

/**
 * The roles of somebody's groups. `cross join` makes SQLite start with the groups; it would read
 * all roles of the organization.
 */
const memberships = (organization: string, user: string) => sql`group_users member cross join role_assignments held
  where member.organization_id = ${sql.ref(organization)} and member.user_id = ${sql.ref(user)}
    and held.principal_id = member.group_id`

/** The rank of the roles held directly, in the project and the organization; null or 0 for none. */
export const directRank = (at: At): RawBuilder<number | null> => sql<number | null>`(
  select ${rank} from role_assignments held where ${where(at)} and held.principal_id = ${sql.ref(at.user)})`

/** The rank of the roles held through groups, in the project and the organization. */
export const groupRank = (at: At): RawBuilder<number | null> => sql<number | null>`(
  select ${rank} from ${memberships(at.organization, at.user)} and ${where(at)})`

/** The rank of the roles held directly in the project itself. */
export const directProjectRank = ({ organization, project, user }: At): RawBuilder<number | null> => sql<
  number | null
>`(
  select ${rank} from role_assignments held
  where held.organization_id = ${sql.ref(organization)}
    and held.resource_id = ${sql.ref(project)}
    and held.principal_id = ${sql.ref(user)})`

/** True when role assignments, direct or of a group, give access to the project; never null. */
export const hasAccess = (at: At): RawBuilder<boolean> =>
  sql<boolean>`(coalesce(${directRank(at)}, 0) > 0 or coalesce(${groupRank(at)}, 0) > 0)`

/** Not `exists`: for that PostgreSQL may hash all roles of the table, once per page. */
const some = (rows: RawBuilder<unknown>) => sql<boolean>`((select 1 from ${rows} limit 1) is not null)`

/** True when somebody holds a role in the project itself, not through a group. */
export const isDirectMember = ({ organization, project, user }: At): RawBuilder<boolean> =>
  some(sql`role_assignments held
    where held.organization_id = ${sql.ref(organization)}
      and held.principal_id = ${sql.ref(user)}
      and held.resource_id = ${sql.ref(project)}`)

/**
 * True when somebody holds any role directly or is in a group; if not, the query for roles can be
 * skipped. It counts, because to find a first row PostgreSQL may scan the table, and for somebody
 * without any it scans all of it.
 */
export const mayHold = (organization: string, user: string): RawBuilder<boolean> => sql<boolean>`(
  (select count(*) from role_assignments held
    where held.organization_id = ${sql.ref(organization)} and held.principal_id = ${sql.ref(user)})
  + (select count(*) from group_users member
    where member.organization_id = ${sql.ref(organization)} and member.user_id = ${sql.ref(user)}) > 0)`

/** True when somebody owns the organization, directly or through a group. */
export const isOrganizationOwner = (organization: string, user: string): RawBuilder<boolean> => {
  const owns = sql`held.organization_id = ${sql.ref(organization)}
    and held.resource_id = ${sql.ref(organization)}
    and held.role = 'owner'`
  const direct = some(sql`role_assignments held where ${owns} and held.principal_id = ${sql.ref(user)}`)
  return sql<boolean>`(${direct} or ${some(sql`${memberships(organization, user)} and ${owns}`)})`
}
