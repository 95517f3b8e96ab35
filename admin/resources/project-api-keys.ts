import { invalid, notFound } from '../../contract/errors.ts'
import { projectApiKeys } from '../../contract/project-api-keys.ts'
import { collection } from '../../database/page.ts'
import { hasAccess } from '../../keys/access.ts'
import { handlers, type Call } from '../call.ts'
import { notArchived } from '../rules/archived.ts'
import { gone } from '../rules/gone.ts'
import { issueKey } from '../rules/issue-key.ts'
import { presentKey, withOwners } from '../rules/project-keys.ts'

export default handlers(projectApiKeys, {
  list: async (call) =>
    keys.page(call.db, within(call), call.query, presentKey, call.query.owner_project_access ?? 'members'),

  async create(call) {
    notArchived(call.project)
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
    const { value, columns } = issueKey(call, 'project', wanted)
    const { organization_id, project_id } = within(call)
    await call.db
      .insertInto('api_keys')
      .values({ organization_id, project_id, owner_type: 'user', owner_id: user_id, ...columns })
      .execute()
    call.record('api_key.created', { id: columns.id, data: { scopes: wanted.scopes ?? [] } })
    return { ...presentKey(await find(call, columns.id)), value }
  },

  retrieve: async (call) => presentKey(await find(call, call.params.api_key_id)),

  async update(call) {
    notArchived(call.project)
    const key = await find(call, call.params.api_key_id)
    const { scopes, expires_in_seconds } = call.body
    if (scopes === undefined && expires_in_seconds === undefined)
      throw invalid("Give at least one of 'scopes' and 'expires_in_seconds'.", 'scopes', 'missing_required_parameter')
    if (key.expires_at !== null && key.expires_at <= call.now)
      throw invalid(`API key ${key.id} is expired and cannot be updated`)
    await call.db
      .updateTable('api_keys')
      .set({
        ...(scopes && { scopes: JSON.stringify(scopes) }),
        ...(expires_in_seconds && { expires_at: call.now + expires_in_seconds }),
      })
      .where('organization_id', '=', call.organization_id)
      .where('id', '=', key.id)
      .execute()
    call.record('api_key.updated', { id: key.id, changes_requested: { scopes, expires_in_seconds } })
    return presentKey(await find(call, key.id))
  },

  async delete(call) {
    const { id } = await find(call, call.params.api_key_id)
    await call.db
      .updateTable('api_keys')
      .set({ deleted_at: call.now })
      .where('organization_id', '=', call.organization_id)
      .where('id', '=', id)
      .execute()
    call.record('api_key.deleted', { id })
    return gone('organization.project.api_key', id)
  },
})

const within = (call: Call<typeof projectApiKeys.list>) => ({
  organization_id: call.organization_id,
  project_id: call.project.id,
})

const keys = collection('api_keys', ['organization_id', 'project_id'], withOwners)

async function find(call: Call<typeof projectApiKeys.list>, id: string) {
  const key = await keys.find(call.db, within(call), id, 'any')
  if (!key) throw notFound('api_key', id)
  return key
}
