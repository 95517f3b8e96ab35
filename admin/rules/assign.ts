/** Gives and takes roles. Whoever holds a role in a project directly is a member of it. */
import type { Call } from '../call.ts'
import type { KnownRole, Resource } from '../shared/known-roles.ts'
import { resourceType } from '../shared/known-roles.ts'

/**
 * The holder of a role. A service account counts as a user, because OpenAI's audit log has only
 * users and groups.
 */
export interface Principal {
  type: 'user' | 'group'
  id: string
}

/** The caller is whoever gives the role; null for a role that comes with something else. */
type Changing = Pick<Call, 'db' | 'organization_id' | 'now'> & { caller: { user_id: string | null } }

/**
 * Gives a role; false if it was held already. All roles of a principal in a resource have the same
 * time: when the first one was given.
 */
export async function grant(call: Changing, resource: Resource, principal_id: string, key: string): Promise<boolean> {
  const { db, organization_id } = call
  const held = await holding(call, resource, principal_id).select(['role', 'created_at']).execute()
  if (held.some(({ role }) => role === key)) return false
  await db
    .insertInto('role_assignments')
    .values({
      organization_id,
      resource_id: resource.id,
      principal_id,
      role: key,
      created_at: held[0]?.created_at ?? call.now,
      created_by: call.caller.user_id,
    })
    .execute()
  return true
}

/**
 * Takes one role, or all that are held directly in the resource. Returns the keys of the roles that
 * were taken.
 */
export async function revoke(
  call: Changing,
  resource: Resource,
  principal_id: string,
  key?: string,
): Promise<string[]> {
  const { db, organization_id } = call
  let taking = db
    .deleteFrom('role_assignments')
    .where('organization_id', '=', organization_id)
    .where('resource_id', '=', resource.id)
    .where('principal_id', '=', principal_id)
  if (key !== undefined) taking = taking.where('role', '=', key)
  const taken = await taking.returning(['role', 'created_at']).execute()
  const rest = await holding(call, resource, principal_id).select('role').execute()
  if (taken.length > 0 && rest.length === 0) await leave(call, resource.id, principal_id, taken[0]!.created_at)
  return taken.map((row) => row.role)
}

/** Replaces the built-in roles that are held by one; false if that changes nothing. */
export async function replaceBuiltInRole(
  call: Changing,
  resource: Resource,
  principal_id: string,
  builtIn: readonly string[],
  key: string,
): Promise<boolean> {
  const others = (await holding(call, resource, principal_id).select('role').execute())
    .map(({ role }) => role)
    .filter((role) => role !== key && builtIn.includes(role))
  const granted = await grant(call, resource, principal_id, key)
  for (const role of others) await revoke(call, resource, principal_id, role)
  return granted || others.length > 0
}

/** Takes the built-in roles that are held; false if there are none. */
export async function revokeBuiltInRoles(
  call: Changing,
  resource: Resource,
  principal_id: string,
  builtIn: readonly string[],
): Promise<boolean> {
  let hasTaken = false
  for (const role of builtIn) if ((await revoke(call, resource, principal_id, role)).length > 0) hasTaken = true
  return hasTaken
}

/** The roles that a principal holds in a resource directly. */
const holding = ({ db, organization_id }: Changing, resource: Resource, principal_id: string) =>
  db
    .selectFrom('role_assignments')
    .where('organization_id', '=', organization_id)
    .where('resource_id', '=', resource.id)
    .where('principal_id', '=', principal_id)

/** Keeps the time of a membership that ended, so that cursors that name it still work. */
export async function leave({ db, organization_id }: Changing, list_id: string, id: string, created_at: number) {
  await db
    .insertInto('left_memberships')
    .values({ organization_id, list_id, id, created_at })
    .onConflict((conflict) => conflict.columns(['organization_id', 'list_id', 'id']).doUpdateSet({ created_at }))
    .execute()
}

/** The payload of an assignment event. */
export const assignmentEvent = (principal: Principal, role: KnownRole) => ({
  id: `role_assignment_${role.id}_${principal.id}`,
  principal_id: principal.id,
  principal_type: principal.type,
  resource_id: role.resource.id,
  resource_type: resourceType(role.resource),
})
