import { ApiError } from '../../contract/errors.ts'
import type { Output } from '../../contract/kit.ts'
import { projectModelPermissions } from '../../contract/project-model-permissions.ts'
import { handlers, type Call } from '../call.ts'
import { requireActive } from '../rules/require-active.ts'
import { modelPermissions } from '../shared/request-limits.ts'

export default handlers(projectModelPermissions, {
  retrieve: async (call) => present(await find(call)),

  async update(call) {
    requireActive(call.project)
    const { mode, model_ids } = call.body
    const changed = { mode, model_ids: JSON.stringify(model_ids), updated_at: call.now }
    await call.db
      .insertInto('model_permissions')
      .values({ organization_id: call.organization_id, project_id: call.project.id, ...changed })
      .onConflict((conflict) => conflict.columns(['organization_id', 'project_id']).doUpdateSet(changed))
      .execute()
    tell(call, mode, model_ids)
    return present(call.body)
  },

  async delete(call) {
    requireActive(call.project)
    await find(call)
    await call.db
      .deleteFrom('model_permissions')
      .where('organization_id', '=', call.organization_id)
      .where('project_id', '=', call.project.id)
      .execute()
    tell(call, null, [])
    return { object: 'project.model_permissions.deleted' as const, deleted: true as const }
  },
})

type InProject = Call<typeof projectModelPermissions.update>

type Permissions = Omit<Output<typeof projectModelPermissions.retrieve>, 'object'>

const present = ({ mode, model_ids }: Permissions) => ({
  object: 'project.model_permissions' as const,
  mode,
  model_ids,
})

/** The permissions of the project. Throws 404 where none are set. */
async function find(call: Pick<InProject, 'db' | 'organization_id' | 'project'>) {
  const found = await modelPermissions(call)
  if (found) return found
  throw new ApiError(404, `The model permissions of project ${call.project.id} were not found`, {
    code: 'model_permissions_not_found',
  })
}

/** The servers must read the permissions again before the answer leaves. */
function tell(call: Pick<InProject, 'project' | 'record' | 'invalidate'>, mode: string | null, model_ids: string[]) {
  const { id } = call.project
  call.record('tenant.product_access_policy.updated', { id, mode, model_ids })
  call.invalidate({ scope: 'project', id })
}
