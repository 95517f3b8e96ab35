import { invalid, notFound } from '../../contract/errors.ts'
import { projectApiKeys } from '../../contract/project-api-keys.ts'
import { listOf } from '../../database/table-list.ts'
import { hasAccess } from '../../keys/access.ts'
import { changeKey } from '../../keys/key-mac.ts'
import { handlers, type Call } from '../call.ts'
import { requireKeyGrantable } from '../rules/require-grantable.ts'
import { requireActive } from '../rules/require-active.ts'
import { addKey } from '../shared/add-key.ts'
import { deleteProjectKey } from '../shared/delete-project-key.ts'
import { presentKey, withOwners, type Access } from '../shared/project-key-rows.ts'
import { rotateKey } from '../shared/rotate-key.ts'

export default handlers(projectApiKeys, {
  list: async (call) =>
    table.page(call.db, within(call), call.query, presentKey, {
      access: call.query.owner_project_access ?? 'members',
    }),

  async create(call) {
    requireActive(call.project)
    const { user_id, ...wanted } = call.body
    const owner = await call.db
      .selectFrom('users as user')
      .innerJoin('projects as project', 'project.organization_id', 'user.organization_id')
      .select(hasAccess({ organization: 'user.organization_id', project: 'project.id', user: 'user.id' }).as('access'))
      .where('project.id', '=', call.project.id)
      .where('user.organization_id', '=', call.organization_id)
      .where('user.id', '=', user_id)
      .where('user.deleted_at', 'is', null)
      .executeTakeFirst()
    if (!owner) throw notFound('user', user_id, 'user_id')
    if (!owner.access) throw invalid(`User ${user_id} is not a member of ${call.project.id}`, 'user_id')
    await requireKeyGrantable(call, { id: user_id, account_role: null }, wanted.scopes)
    const place = { project_id: call.project.id, owner_type: 'user' as const, owner_id: user_id }
    const { id, value } = await addKey(call, place, wanted)
    return { ...presentOne(await findProjectApiKey(call, id)), value }
  },

  retrieve: async (call) => presentOne(await findProjectApiKey(call, call.params.api_key_id)),

  async update(call) {
    requireActive(call.project)
    const key = await findProjectApiKey(call, call.params.api_key_id)
    const { scopes, expires_in_seconds } = call.body
    if (key.expires_at !== null && key.expires_at <= call.now)
      throw invalid(`API key ${key.id} is expired and cannot be updated`)
    if (scopes) await requireKeyGrantable(call, { id: key.owner_id, account_role: key.account_role }, scopes)
    const isChanged = await changeKey(
      call.db,
      call.keys,
      { organization_id: call.organization_id, id: key.id },
      {
        ...(scopes && { scopes: JSON.stringify(scopes) }),
        ...(expires_in_seconds && { expires_at: call.now + expires_in_seconds }),
      },
    )
    if (!isChanged) {
      call.keys.reportForged(key.id)
      throw notFound('api_key', key.id)
    }
    call.record('api_key.updated', { id: key.id, changes_requested: { scopes, expires_in_seconds } })
    return presentOne(await findProjectApiKey(call, key.id))
  },

  async rotate(call) {
    requireActive(call.project)
    const row = await findProjectApiKey(call, call.params.api_key_id)
    const old = presentOne(row)
    // Whatever its scopes are: they can be changed.
    await requireKeyGrantable(call, { id: row.owner_id, account_role: row.account_role })
    if (old.owner_project_access === 'inactive')
      throw invalid(`The owner of API key ${old.id} has no access to ${call.project.id}, so that no key can replace it`)
    const { id, value } = await rotateKey(call, old.id, call.body)
    return { ...presentOne(await findProjectApiKey(call, id)), value }
  },

  async delete(call) {
    const { id } = await findProjectApiKey(call, call.params.api_key_id)
    return deleteProjectKey(call, id, call.project.id)
  },
})

const within = (call: Call<typeof projectApiKeys.list>) => ({
  organization_id: call.organization_id,
  project_id: call.project.id,
})

const table = listOf('api_keys', ['organization_id', 'project_id'], (item, { access }: { access: Access }) =>
  withOwners(item, access),
)

const single = listOf('api_keys', ['organization_id', 'project_id'], (item) =>
  withOwners(item, 'any').select('item.scopes'),
)

/** Restrictions are shown where there are some, so that other clients see OpenAI's shape. */
function presentOne(row: Awaited<ReturnType<typeof findProjectApiKey>>) {
  const scopes = JSON.parse(row.scopes) as string[]
  return { ...presentKey(row), ...(scopes.length > 0 && { scopes }) }
}

async function findProjectApiKey(call: Call<typeof projectApiKeys.list>, id: string) {
  const key = await single.find(call.db, within(call), id)
  if (!key) throw notFound('api_key', id)
  return key
}
