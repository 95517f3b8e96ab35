/**
 * Who may do what where, as SQL: the one place that says which role an owner of keys has in a project. A person has the roles held in the
 * project, and an owner of the organization is an owner of every project; a service account has its own.
 */
import { sql, type RawBuilder } from 'kysely'

/** The built-in roles of a project by rank; what a person holds together counts as the highest. */
export const ranked = ['none', 'viewer', 'member', 'owner'] as const
export type ProjectRole = (typeof ranked)[number]

export const roleOfRank = (rank: number | null): ProjectRole => ranked[rank ?? 0] ?? 'none'

/** The rank of a user in a project, null without any role. The columns are given as text, such as `item.owner_id`. */
export const userRank = (organization: string, project: string, user: string): RawBuilder<number | null> => sql<
  number | null
>`(
  select max(case
    when held.role = 'owner' then 3
    when held.resource_id = held.organization_id then null
    when held.role = 'member' then 2
    else 1 end)
  from role_assignments held
  where held.organization_id = ${sql.ref(organization)}
    and held.principal_id = ${sql.ref(user)}
    and held.resource_id in (${sql.ref(organization)}, ${sql.ref(project)}))`

/** True when the user holds a role in the project itself. */
export const isDirectMember = (
  organization: string,
  project: string,
  user: string,
): RawBuilder<boolean> => sql<boolean>`exists (
  select 1 from role_assignments direct
  where direct.organization_id = ${sql.ref(organization)}
    and direct.principal_id = ${sql.ref(user)}
    and direct.resource_id = ${sql.ref(project)})`

/** True when the user owns the organization. */
export const isOrganizationOwner = (organization: string, user: string): RawBuilder<boolean> => sql<boolean>`exists (
  select 1 from role_assignments own
  where own.organization_id = ${sql.ref(organization)}
    and own.principal_id = ${sql.ref(user)}
    and own.resource_id = ${sql.ref(organization)}
    and own.role = 'owner')`
