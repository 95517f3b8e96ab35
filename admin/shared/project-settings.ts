/**
 * Settings of a project that model requests are held to, each a JSON value with a name. Those of
 * the organization are stored with an empty project.
 */
import type { ProjectRow } from '../../database/tables.ts'
import type { Call } from '../call.ts'

type AnyCall = Pick<Call, 'db' | 'organization_id' | 'invalidate'> & { project: ProjectRow | undefined }

export type SettingName = 'hosted_tools' | 'service_tiers' | 'data_retention' | 'ip_allowlist'

/** The value; undefined where it was never set. */
export async function readSetting(call: Omit<AnyCall, 'invalidate'>, name: SettingName): Promise<unknown> {
  const row = await call.db
    .selectFrom('project_settings')
    .select('value')
    .where('organization_id', '=', call.organization_id)
    .where('project_id', '=', call.project?.id ?? '')
    .where('name', '=', name)
    .executeTakeFirst()
  return row && (JSON.parse(row.value) as unknown)
}

/** Every server reads it again before the call is answered. */
export const writeSetting = (call: AnyCall, name: SettingName, value: unknown) =>
  writeSettingAt(call, call.project?.id ?? '', name, value)

/** The same for another project than that of the call; `''` stands for the organization. */
export async function writeSettingAt(
  call: Omit<AnyCall, 'project'>,
  project_id: string,
  name: SettingName,
  value: unknown,
) {
  const { organization_id } = call
  const json = JSON.stringify(value)
  await call.db
    .insertInto('project_settings')
    .values({ organization_id, project_id, name, value: json })
    .onConflict((on) => on.columns(['organization_id', 'project_id', 'name']).doUpdateSet({ value: json }))
    .execute()
  call.invalidate(project_id === '' ? { scope: 'organization' } : { scope: 'project', id: project_id })
}
