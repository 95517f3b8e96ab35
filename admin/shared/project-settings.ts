/** Settings of a project that model requests are held to, each a JSON value with a name. */
import type { ProjectRow } from '../../database/tables.ts'
import type { Call } from '../call.ts'

type InProject = Pick<Call, 'db' | 'organization_id' | 'invalidate'> & { project: ProjectRow }

export type SettingName = 'hosted_tools' | 'service_tiers'

/** The value; undefined where it was never set. */
export async function readSetting(call: Omit<InProject, 'invalidate'>, name: SettingName): Promise<unknown> {
  const row = await call.db
    .selectFrom('project_settings')
    .select('value')
    .where('organization_id', '=', call.organization_id)
    .where('project_id', '=', call.project.id)
    .where('name', '=', name)
    .executeTakeFirst()
  return row && (JSON.parse(row.value) as unknown)
}

/** Every server reads it again before the call is answered. */
export async function writeSetting(call: InProject, name: SettingName, value: unknown) {
  const json = JSON.stringify(value)
  await call.db
    .insertInto('project_settings')
    .values({ organization_id: call.organization_id, project_id: call.project.id, name, value: json })
    .onConflict((on) => on.columns(['organization_id', 'project_id', 'name']).doUpdateSet({ value: json }))
    .execute()
  call.invalidate({ scope: 'project', id: call.project.id })
}
