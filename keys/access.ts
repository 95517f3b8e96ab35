/**
 * Who may do what where, as SQL: the one place that says which role an owner of keys has. A person or a service account has the roles held
 * directly and through groups, in the organization and in the project, together; an owner of the organization is an owner of every project.
 * The role with which a service account is made or updated stands with the account itself; what it is assigned besides is like a person's.
 */
import { sql, type RawBuilder } from 'kysely'

/** What somebody holds in a project counts as the highest of it. A custom role alone makes a member. */
const ranks = ['none', 'member', 'viewer', 'member', 'owner'] as const
export type ProjectRole = (typeof ranks)[number]

/** The role by which a person is shown: the higher of what is held directly and through groups. */
export const roleOf = (direct: number | null, grouped: number | null): ProjectRole =>
  ranks[Math.max(direct ?? 0, grouped ?? 0)] ?? 'none'

/**
 * The role by which a service account is shown; `own` is the one that stands with it. OpenAI's schema has no viewers among them, so one that
 * holds anything is a member at least.
 */
export function accountRole(own: string, direct: number | null, grouped: number | null): 'owner' | 'member' | 'none' {
  const rest = roleOf(direct, grouped)
  if (own === 'owner' || rest === 'owner') return 'owner'
  return own === 'none' && rest === 'none' ? 'none' : 'member'
}

const rank = sql<number | null>`max(case
  when held.role = 'owner' then 4
  when held.resource_id = held.organization_id then 0
  when held.role = 'member' then 3
  when held.role = 'viewer' then 2
  else 1 end)`

/** The columns that say who and where, as text: `item.owner_id`. */
export interface At {
  organization: string
  project: string
  user: string
}

const where = ({ organization, project }: At) => sql`
  held.organization_id = ${sql.ref(organization)} and held.resource_id in (${sql.ref(organization)}, ${sql.ref(project)})`

/** What the groups of somebody hold. `cross join` tells SQLite to begin with whom: it would read all roles of the organization. */
const memberships = (organization: string, user: string) => sql`group_users member cross join role_assignments held
  where member.organization_id = ${sql.ref(organization)} and member.user_id = ${sql.ref(user)}
    and held.principal_id = member.group_id`

/** The rank of what somebody holds directly for a project; null or 0 is nothing. */
export const directRank = (at: At): RawBuilder<number | null> => sql<number | null>`(
  select ${rank} from role_assignments held where ${where(at)} and held.principal_id = ${sql.ref(at.user)})`

/** The rank of what somebody holds for a project through groups. */
export const groupRank = (at: At): RawBuilder<number | null> => sql<number | null>`(
  select ${rank} from ${memberships(at.organization, at.user)} and ${where(at)})`

/** The rank of what somebody holds in the project itself, directly. */
export const directProjectRank = ({ organization, project, user }: At): RawBuilder<number | null> => sql<
  number | null
>`(
  select ${rank} from role_assignments held
  where held.organization_id = ${sql.ref(organization)}
    and held.resource_id = ${sql.ref(project)}
    and held.principal_id = ${sql.ref(user)})`

/** True when somebody has any access to the project by assignments, its own or a group's; never null. */
export const hasAccess = (at: At): RawBuilder<boolean> =>
  sql<boolean>`(coalesce(${directRank(at)}, 0) > 0 or coalesce(${groupRank(at)}, 0) > 0)`

/** Not `exists`: PostgreSQL may answer that from a hash of all roles there are, made for each page. */
const some = (rows: RawBuilder<unknown>) => sql<boolean>`((select 1 from ${rows} limit 1) is not null)`

/** True when somebody holds a role in the project itself, not through a group. */
export const isDirectMember = ({ organization, project, user }: At): RawBuilder<boolean> =>
  some(sql`role_assignments held
    where held.organization_id = ${sql.ref(organization)}
      and held.principal_id = ${sql.ref(user)}
      and held.resource_id = ${sql.ref(project)}`)

/**
 * True when somebody holds any role directly or is in a group: without both there is no need to look for roles. They are counted, because
 * PostgreSQL may look for a first one by reading the table, and for who has none reads all of it.
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
