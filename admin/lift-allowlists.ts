/**
 * Deactivates IP allow lists on the host: for the operator who was locked out. The lists stay and
 * can be activated again.
 */
import type { Database } from '../database/types.ts'
import type { Peppers } from '../keys/digest.ts'
import type { Invalidation, Scope } from '../revocation/invalidation.ts'
import { Revocations } from '../revocation/revocations.ts'
import type { World } from '../world/world.ts'
import { lockOrganization } from './audit-chain.ts'
import { recordOnHost } from './bootstrap.ts'
import { activeLists, deactivateLists } from './shared/active-allowlists.ts'
import { writeSettingAt } from './shared/project-settings.ts'

export interface Lifted {
  organization_id: string
  /** Empty for the organization's own. */
  project_id: string
  id: string
  name: string
}

/** Those of the organization, or with `project_id` those of that project. Servers hear of it. */
export function liftAllowlists(
  database: Database,
  peppers: Peppers,
  world: World,
  project_id: string | null,
): Promise<Lifted[]> {
  // It only writes revocations, so it does not register as a node.
  const revocations = new Revocations(database, world, { leaseMilliseconds: 0, forget: () => {}, onError: () => {} })
  return database.write(async (sql) => {
    const places = await sql
      .selectFrom('active_ip_allowlists')
      .select(['organization_id', 'project_id'])
      .distinct()
      .where('project_id', '=', project_id ?? '')
      .orderBy('organization_id')
      .execute()
    const lifted: Lifted[] = []
    for (const place of places) {
      const { organization_id } = place
      await lockOrganization(sql, { organization_id })
      const lists = await activeLists(sql, place)
      await deactivateLists(
        sql,
        place,
        lists.map(({ id }) => id),
      )
      const invalidations: Invalidation[] = []
      const invalidate = (scope: Scope) => void invalidations.push({ organization_id, ...scope })
      await writeSettingAt({ db: sql, organization_id, invalidate }, place.project_id, 'ip_allowlist', [])
      const events = lists.map(({ id, name }) => ({
        type: 'ip_allowlist.config.deactivated' as const,
        payload: { configs: [{ id, name }] },
        project_id: place.project_id || null,
      }))
      await recordOnHost(sql, peppers, world, organization_id, events)
      await revocations.publish(sql, invalidations)
      lifted.push(...lists.map(({ id, name }) => ({ ...place, id, name })))
    }
    return lifted
  })
}
