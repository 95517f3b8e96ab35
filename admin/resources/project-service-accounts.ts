import { notFound } from '../../contract/errors.ts'
import type { Output } from '../../contract/kit.ts'
import {
  projectServiceAccounts,
  serviceAccountApiKeys as serviceAccountApiKeysContract,
} from '../../contract/project-service-accounts.ts'
import { listOf } from '../../database/table-list.ts'
import { accountRole, directProjectRank } from '../../keys/access.ts'
import { deletedKey } from '../../keys/key-mac.ts'
import { handlers, type Call } from '../call.ts'
import { requireKeyGrantable, requireProjectRoleGrantable } from '../rules/require-grantable.ts'
import { requireActive } from '../rules/require-active.ts'
import { addKey } from '../shared/add-key.ts'
import { deletedResult } from '../shared/deleted-result.ts'
import { endAccessTokensOf } from '../shared/end-access-tokens.ts'
import { leaveAll } from '../rules/leave-all.ts'
import { replaceBuiltInRole } from '../shared/find-user.ts'

export default handlers(projectServiceAccounts, {
  async list(call) {
    requireActive(call.project)
    return table.page(call.db, within(call), call.query, present)
  },

  async create(call) {
    requireActive(call.project)
    const { name, create_service_account_only: withoutKey, expires_in_seconds } = call.body
    const role = withoutKey ? ('none' as const) : ('member' as const)
    requireProjectRoleGrantable(call, role)
    const id = call.newId('user-')
    await call.db
      .insertInto('service_accounts')
      .values({ ...within(call), id, name, role, created_at: call.now, deleted_at: null })
      .execute()
    call.record('service_account.created', { id, data: { role } })
    return {
      object: 'organization.project.service_account' as const,
      id,
      name,
      role,
      created_at: call.now,
      api_key: withoutKey ? null : await addAccountKey(call, id, { expires_in_seconds }),
    }
  },

  retrieve: async (call) => present(await findServiceAccount(call)),

  async update(call) {
    requireActive(call.project)
    const account = await findServiceAccount(call)
    const { name = account.name, role } = call.body
    if (role !== undefined) requireProjectRoleGrantable(call, role)
    const replaced = role !== undefined && (await replaceBuiltInRole(call, account, role))
    if (name === account.name && !replaced) return present(account)
    await call.db
      .updateTable('service_accounts')
      .set({ name })
      .where('organization_id', '=', call.organization_id)
      .where('id', '=', account.id)
      .execute()
    call.record('service_account.updated', { id: account.id, changes_requested: { role } })
    return present(await findServiceAccount(call))
  },

  async delete(call) {
    requireActive(call.project)
    const { id } = await findServiceAccount(call)
    await leaveAll(call, { type: 'user', id })
    const keys = await call.db
      .updateTable('api_keys')
      .set(deletedKey(call.now))
      .where('organization_id', '=', call.organization_id)
      .where('owner_id', '=', id)
      .where('deleted_at', 'is', null)
      .returning('id')
      .execute()
    await call.db
      .updateTable('service_accounts')
      .set({ deleted_at: call.now })
      .where('organization_id', '=', call.organization_id)
      .where('id', '=', id)
      .execute()
    await endAccessTokensOf(call, id)
    call.record('service_account.deleted', { id })
    for (const key of keys) call.record('api_key.deleted', { id: key.id })
    return deletedResult('organization.project.service_account', id)
  },
})

export const serviceAccountApiKeys = handlers(serviceAccountApiKeysContract, {
  async create(call) {
    requireActive(call.project)
    const { id, role } = await findServiceAccount(call)
    await requireKeyGrantable(call, { id, account_role: role }, call.body.scopes)
    return addAccountKey(call, id, call.body)
  },
})

type InProject = Pick<
  Call<typeof serviceAccountApiKeysContract.create>,
  'db' | 'organization_id' | 'project' | 'keys' | 'world' | 'now' | 'newId' | 'record'
>

const within = (call: Pick<InProject, 'organization_id' | 'project'>) => ({
  organization_id: call.organization_id,
  project_id: call.project.id,
})

const table = listOf('service_accounts', ['organization_id', 'project_id'], (item) =>
  item
    .select(['item.id', 'item.project_id', 'item.name', 'item.role', 'item.created_at'])
    .select(
      directProjectRank({ organization: 'item.organization_id', project: 'item.project_id', user: 'item.id' }).as(
        'rank',
      ),
    )
    .where('item.deleted_at', 'is', null),
)

type Row = NonNullable<Awaited<ReturnType<typeof table.find>>>

const present = ({ id, name, role, rank, created_at }: Row): Output<typeof projectServiceAccounts.retrieve> => ({
  object: 'organization.project.service_account',
  id,
  name,
  role: accountRole(role, rank, null),
  created_at,
})

export async function findServiceAccount(
  call: Pick<InProject, 'db' | 'organization_id' | 'project'> & { params: { service_account_id: string } },
) {
  const account = await table.find(call.db, within(call), call.params.service_account_id)
  if (!account) throw notFound('service_account', call.params.service_account_id)
  return account
}

/** Makes a key for the account. The default name is OpenAI's. */
async function addAccountKey(
  call: InProject,
  owner_id: string,
  { name = 'Secret Key', ...wanted }: { name?: string; scopes?: string[]; expires_in_seconds?: number | null },
) {
  const place = { project_id: call.project.id, owner_type: 'service_account' as const, owner_id }
  const key = await addKey(call, place, { name, ...wanted })
  return { object: 'organization.project.service_account.api_key' as const, ...key }
}
