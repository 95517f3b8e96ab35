/**
 * Roles that people, groups and service accounts hold, in the organization and in a project: one
 * template, four instances.
 */
import { notFound } from '../../contract/errors.ts'
import type { Output } from '../../contract/kit.ts'
import { groupRoles, projectGroupRoles, projectUserRoles, userRoles } from '../../contract/role-assignments.ts'
import { handlers, type Call, type Handlers } from '../call.ts'
import { requireActive } from '../rules/require-active.ts'
import { assignmentEvent, grant, revoke, type Principal } from '../rules/assign.ts'
import { findGroup } from '../shared/find-group.ts'
import { requireAnOwner } from '../rules/require-an-owner.ts'
import { requireGrantable } from '../rules/require-grantable.ts'
import { findPerson, presentPerson } from '../shared/person.ts'
import { findRole, pageOfRoles, presentRole, resourceOf, roleMembers, type KnownRole } from '../shared/known-roles.ts'
import { findUser, setBuiltInRole } from '../shared/find-user.ts'

interface Holder {
  principal: Principal
  /** A service account's built-in role, which is shown as one more assignment; null for others. */
  builtInRole: string | null
  /** How an answer names the holder. */
  shown: object
}

type Find = (
  call: Pick<Call, 'db' | 'organization_id'> & {
    project: { id: string } | undefined
    params: { user_id?: string; group_id?: string }
  },
) => Promise<Holder>

const assignments = (name: 'user' | 'group', find: Find): Handlers<typeof userRoles> => ({
  async list(call) {
    const holder = await find(call)
    const held = await holdings(call, holder)
    return pageOfRoles(call, resourceOf(call), (role) => present(role, held, holder.principal))
  },

  async create(call) {
    requireActive(call.project)
    const { principal, builtInRole } = await find(call)
    const role = await findRole(call, resourceOf(call), call.body.role_id, { param: 'role_id' })
    requireGrantable(call, role)
    if (role.key !== builtInRole && (await grant(call, role.resource, principal.id, role.key)))
      call.record('role.assignment.created', assignmentEvent(principal, role))
    const { shown } = await find(call)
    return { object: `${name}.role`, ...shown, role: presentRole(role) } as Output<typeof userRoles.create>
  },

  async retrieve(call) {
    const holder = await find(call)
    const { principal } = holder
    const held = await holdings(call, holder)
    const role = await findRole(call, resourceOf(call), call.params.role_id)
    const found = present(role, held, principal)
    if (!found) throw notFound('role', `${call.params.role_id} of ${principal.type} ${principal.id}`)
    return found
  },

  async delete(call) {
    requireActive(call.project)
    const { principal, builtInRole } = await find(call)
    const role = await findRole(call, resourceOf(call), call.params.role_id)
    const taken = await revoke(call, role.resource, principal.id, role.key)
    if (role.key === builtInRole) await setBuiltInRole(call, principal.id, 'none')
    else if (taken.length === 0) throw notFound('role', `${call.params.role_id} of ${principal.type} ${principal.id}`)
    await requireAnOwner(call)
    call.record('role.assignment.deleted', assignmentEvent(principal, role))
    return { object: `${name}.role.deleted`, deleted: true } as Output<typeof userRoles.delete>
  },
})

const findUserHolder: Find = async (call) => {
  const { user_id: id = '' } = call.params
  const principal = { type: 'user', id } as const
  // A service account belongs to its project. In the organization it holds roles only through
  // groups.
  if (!call.project) return { principal, builtInRole: null, shown: { user: presentPerson(await findPerson(call, id)) } }
  const { builtInRole, shown } = await findUser(call, id, { project_id: call.project.id })
  return { principal, builtInRole, shown: { user: shown } }
}

const findGroupHolder: Find = async (call) => {
  const { id, name, created_at } = await findGroup(call, call.params.group_id!)
  return {
    principal: { type: 'group', id },
    builtInRole: null,
    shown: { group: { object: 'group', id, name, created_at, scim_managed: false } },
  }
}

const ofUsers = assignments('user', findUserHolder)
const ofGroups = assignments('group', findGroupHolder)

// The four differ only in the names of parameters and of the principal, which the types cannot
// express.
export const userRoleHandlers = handlers(userRoles, ofUsers)
export const groupRoleHandlers = handlers(groupRoles, ofGroups as unknown as Handlers<typeof groupRoles>)
export const projectUserRoleHandlers = handlers(
  projectUserRoles,
  ofUsers as unknown as Handlers<typeof projectUserRoles>,
)
export const projectGroupRoleHandlers = handlers(
  projectGroupRoles,
  ofGroups as unknown as Handlers<typeof projectGroupRoles>,
)

type Source = { principal_id: string; principal_type: string }

/**
 * Which roles a principal holds in the resource of the call, and from where; and who made the
 * custom ones.
 */
async function holdings(
  call: Pick<Call, 'db' | 'organization_id'> & Parameters<typeof resourceOf>[0],
  { principal, builtInRole }: Holder,
) {
  const { db, organization_id } = call
  const resource = resourceOf(call)
  const direct = db
    .selectFrom('role_assignments as held')
    .select(['held.role', 'held.principal_id'])
    .where('held.organization_id', '=', organization_id)
    .where('held.resource_id', '=', resource.id)
    .where('held.principal_id', '=', principal.id)
  const inherited = db
    .selectFrom('group_users as member')
    .innerJoin('role_assignments as held', (on) =>
      on
        .onRef('held.organization_id', '=', 'member.organization_id')
        .onRef('held.principal_id', '=', 'member.group_id'),
    )
    .select(['held.role', 'held.principal_id'])
    .where('member.organization_id', '=', organization_id)
    .where('member.user_id', '=', principal.id)
    .where('held.resource_id', '=', resource.id)
  const sources = new Map<string, Source[]>()
  const standing =
    builtInRole === null || builtInRole === 'none' ? [] : [{ role: builtInRole, principal_id: principal.id }]
  for (const { role, principal_id } of [...standing, ...(await direct.execute()), ...(await inherited.execute())]) {
    const source = { principal_id, principal_type: principal_id === principal.id ? principal.type : 'group' }
    sources.set(role, [...(sources.get(role) ?? []), source])
  }
  const makers = await db
    .selectFrom('roles')
    .innerJoin('users', (on) =>
      on.onRef('users.organization_id', '=', 'roles.organization_id').onRef('users.id', '=', 'roles.created_by'),
    )
    .select(['users.id', 'users.name', 'users.email'])
    .distinct()
    .where('roles.organization_id', '=', organization_id)
    .where('roles.resource_id', '=', resource.id)
    .execute()
  return { sources, makers: new Map(makers.map((maker) => [maker.id, maker])) }
}

function present(
  role: KnownRole,
  { sources, makers }: Awaited<ReturnType<typeof holdings>>,
  principal: Principal,
): Output<typeof userRoles.retrieve> | null {
  const from = sources.get(role.key)
  if (!from) return null
  return {
    ...roleMembers(role),
    created_at: role.created_at,
    updated_at: role.updated_at,
    created_by: role.created_by,
    created_by_user_obj: (role.created_by && makers.get(role.created_by)) || null,
    metadata: {},
    assignment_sources: from.every((source) => source.principal_id === principal.id) ? null : from,
  }
}
