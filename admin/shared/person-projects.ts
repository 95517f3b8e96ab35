/** The projects in which a person holds a role, and what the person may do in each. */
import { statement } from '../../database/statement.ts'
import type { Sql } from '../../database/types.ts'
import { grantedBy, heldIn, heldRoles } from '../../keys/read-project-key.ts'

interface Person {
  organization_id: string
  user_id: string
}

interface PersonProject {
  id: string
  name: string
  role: 'owner' | 'member' | 'viewer'
  permissions: string[]
}

/**
 * The active ones, the oldest first, at most `limit`. Only the answer is bounded: all roles of the
 * person are read.
 */
export async function projectsOfPerson(sql: Sql, person: Person, limit: number): Promise<PersonProject[]> {
  const rows = await rolesInProjects(sql, person)
  const wide = rows.filter(({ resource_id }) => resource_id === person.organization_id)
  const everywhere = wide.flatMap((one) => grantedBy(one, 'organization'))
  const isOwner = wide.some(({ role }) => role === 'owner')
  const byProject = Map.groupBy(
    rows.filter((row) => row.name !== null).toSorted(byAge),
    ({ resource_id }) => resource_id,
  )
  return [...byProject].slice(0, limit).map(([id, held]) => ({
    id,
    name: held[0]!.name!,
    role: isOwner ? 'owner' : highest(held.map(({ role }) => role)),
    permissions: [...new Set([...everywhere, ...held.flatMap((one) => grantedBy(one, 'project'))])],
  }))
}

const byAge = (one: HeldIn, other: HeldIn) =>
  one.created_at! - other.created_at! || (one.resource_id < other.resource_id ? -1 : 1)

/** A custom role makes its holder a member. */
const highest = (roles: readonly string[]): PersonProject['role'] =>
  (['owner', 'member', 'viewer'] as const).find((role) => roles.includes(role)) ?? 'member'

/** The roles held in the organization, whose name is null, and in active projects. */
const rolesInProjects = statement((sql: Sql, params: Person) => {
  const held = heldRoles(sql, params)
    .leftJoin('projects as project', (on) =>
      on.onRef('project.organization_id', '=', 'held.organization_id').onRef('project.id', '=', 'held.resource_id'),
    )
    .select(['project.name', 'project.created_at'])
    .where('project.archived_at', 'is', null)
  return heldIn(sql, { organization_id: params.organization_id, owner_id: params.user_id }, held)
})

type HeldIn = Awaited<ReturnType<typeof rolesInProjects>>[number]
