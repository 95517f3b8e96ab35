/** The data retention of the organization and, alike, that of a project. */
import { dataRetention, projectDataRetention } from '../../contract/data-retention.ts'
import type { ProjectRow } from '../../database/tables.ts'
import type { Call, Handlers } from '../call.ts'
import { requireActive } from '../rules/require-active.ts'
import { readSetting, writeSetting } from '../shared/project-settings.ts'

const template: Handlers<typeof dataRetention> = {
  retrieve: async (call) => present(call, await typeOf(call)),

  async update(call) {
    requireActive(call.project)
    const { retention_type } = call.body
    if (retention_type === (await typeOf(call))) return present(call, retention_type)
    await writeSetting(call, 'data_retention', retention_type)
    const id = projectOf(call)?.id ?? call.organization_id
    call.record('tenant.policy.updated', { id, data_retention: retention_type })
    return present(call, retention_type)
  },
}

export default template
export const projectDataRetentionHandlers = template as unknown as Handlers<typeof projectDataRetention>

/** Named as in the type of the organization's operations; those of a project run the same code. */
type AnyCall = Pick<Call<typeof dataRetention.update>, 'db' | 'organization_id' | 'project'>
type RetentionType = Call<typeof dataRetention.update>['body']['retention_type']

const projectOf = ({ project }: AnyCall) => project as ProjectRow | undefined

const typeOf = async (call: AnyCall) =>
  ((await readSetting(call, 'data_retention')) ??
    (projectOf(call) ? 'organization_default' : 'modified_abuse_monitoring')) as RetentionType

const present = (call: AnyCall, type: RetentionType) => ({
  object: `${projectOf(call) ? 'project' : 'organization'}.data_retention` as 'organization.data_retention',
  type,
})
