/**
 * Finds users, that is people and service accounts, and changes the built-in role of a service
 * account.
 */
import { notFound } from '../../contract/errors.ts'
import type { Output } from '../../contract/kit.ts'
import { projectRoles } from '../../contract/permissions.ts'
import type { users } from '../../contract/users.ts'
import { listOf } from '../../database/table-list.ts'
import { isOrganizationOwner } from '../../keys/access.ts'
import type { Call } from '../call.ts'
import { revoke } from '../rules/assign.ts'
import { peopleTable, presentPerson } from './person.ts'
import type { Resource } from './known-roles.ts'

const table = listOf('service_accounts', ['organization_id'], (item) =>
  item
    .selectAll()
    .select(isOrganizationOwner('item.organization_id', 'item.id').as('is_owner'))
    .where('item.deleted_at', 'is', null),
)

type Account = NonNullable<Awaited<ReturnType<typeof table.find>>>

export interface FoundUser {
  /** `service_accounts.role`, which may be `none`; null for a person. */
  builtInRole: string | null
  shown: Output<typeof users.retrieve>
}

/**
 * A person, or a service account, of one project if that is named. Throws 404; `param` names the
 * member of the body that held the id.
 */
export async function findUser(
  { db, organization_id }: Pick<Call, 'db' | 'organization_id'>,
  id: string,
  { project_id, param = null }: { project_id?: string; param?: string | null } = {},
): Promise<FoundUser> {
  const person = await peopleTable.find(db, { organization_id }, id, { emails: 0 })
  if (person) return { builtInRole: null, shown: presentPerson(person) }
  const account = await table.find(db, { organization_id }, id)
  if (!account || (project_id !== undefined && account.project_id !== project_id)) throw notFound('user', id, param)
  return { builtInRole: account.role, shown: present(account) }
}

const present = (row: Account): Output<typeof users.retrieve> => ({
  object: 'organization.user',
  id: row.id,
  name: row.name,
  email: null,
  role: row.is_owner ? 'owner' : 'reader',
  added_at: row.created_at,
  api_key_last_used_at: null,
  technical_level: null,
  developer_persona: null,
  is_service_account: true,
  is_scim_managed: false,
})

/**
 * Replaces all built-in roles that a service account holds directly by one; false if nothing
 * changed.
 */
export async function replaceBuiltInRole(
  call: Pick<Call, 'db' | 'organization_id' | 'now' | 'caller'>,
  account: Pick<Account, 'project_id' | 'id' | 'role'>,
  role: string,
): Promise<boolean> {
  const held = new Set(account.role === 'none' ? [] : [account.role])
  const project: Resource = { level: 'project', id: account.project_id }
  for (const builtIn of projectRoles)
    for (const taken of await revoke(call, project, account.id, builtIn)) held.add(taken)
  await setBuiltInRole(call, account.id, role)
  return held.size !== 1 || !held.has(role)
}

/** Changes `service_accounts.role`. */
export async function setBuiltInRole(
  { db, organization_id }: Pick<Call, 'db' | 'organization_id'>,
  id: string,
  role: string,
) {
  await db
    .updateTable('service_accounts')
    .set({ role })
    .where('organization_id', '=', organization_id)
    .where('id', '=', id)
    .execute()
}
