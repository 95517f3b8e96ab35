/** Which certificates are active for the organization, or for a project of it. */
import type { ProjectRow } from '../../database/tables.ts'
import { hasTrustMac, withTrustMac } from '../../keys/trust-mac.ts'
import type { Call } from '../call.ts'

type Changing = Pick<Call, 'db' | 'organization_id' | 'keys' | 'invalidate'> & { project: ProjectRow | undefined }
type Reading = Omit<Changing, 'invalidate'>

/** What belongs to the organization itself is stored with an empty project. */
const whose = ({ organization_id, project }: Pick<Reading, 'organization_id' | 'project'>) => ({
  organization_id,
  project_id: project?.id ?? '',
})

/**
 * In the order in which they were activated. Where somebody changed the row without the pepper:
 * none.
 */
export async function activeIds(call: Reading): Promise<readonly string[]> {
  const { organization_id, project_id } = whose(call)
  const row = await call.db
    .selectFrom('active_certificates')
    .selectAll()
    .where('organization_id', '=', organization_id)
    .where('project_id', '=', project_id)
    .executeTakeFirst()
  if (!row || !hasTrustMac(call.keys.peppers, 'active_certificates', row)) return []
  return JSON.parse(row.certificate_ids) as string[]
}

/** Every server reads the keys that this concerns again before the call is answered. */
export async function writeActiveIds(call: Changing, ids: readonly string[]) {
  const place = whose(call)
  await call.db
    .deleteFrom('active_certificates')
    .where('organization_id', '=', place.organization_id)
    .where('project_id', '=', place.project_id)
    .execute()
  const row = { ...place, certificate_ids: JSON.stringify(ids) }
  if (ids.length > 0)
    await call.db
      .insertInto('active_certificates')
      .values(withTrustMac(call.keys.pepper, 'active_certificates', row))
      .execute()
  call.invalidate(call.project ? { scope: 'project', id: call.project.id } : { scope: 'organization' })
}

/**
 * Where a certificate is active: the ids of projects that are not archived, `''` for the
 * organization.
 */
export async function whereActive(
  { db, organization_id }: Pick<Reading, 'db' | 'organization_id'>,
  id: string,
): Promise<string[]> {
  const rows = await db
    .selectFrom('active_certificates as active')
    .leftJoin('projects as project', (on) =>
      on.onRef('project.organization_id', '=', 'active.organization_id').onRef('project.id', '=', 'active.project_id'),
    )
    .select(['active.project_id', 'active.certificate_ids'])
    .where('active.organization_id', '=', organization_id)
    .where('project.archived_at', 'is', null)
    .execute()
  return rows
    .filter(({ certificate_ids }) => (JSON.parse(certificate_ids) as string[]).includes(id))
    .map(({ project_id }) => project_id)
}
