/**
 * Which IP allow lists are active for the organization or a project, and what they allow together.
 */
import type { Sql } from '../../database/types.ts'

/** An empty project stands for the organization itself. */
export interface Place {
  organization_id: string
  project_id: string
}

export async function activeLists(sql: Sql, { organization_id, project_id }: Place) {
  const rows = await sql
    .selectFrom('active_ip_allowlists as active')
    .innerJoin('ip_allowlists as list', (on) =>
      on.onRef('list.organization_id', '=', 'active.organization_id').onRef('list.id', '=', 'active.ip_allowlist_id'),
    )
    .select(['list.id', 'list.name', 'list.allowed_ips'])
    .where('active.organization_id', '=', organization_id)
    .where('active.project_id', '=', project_id)
    .orderBy('list.id')
    .execute()
  return rows.map((row) => ({ ...row, allowed_ips: JSON.parse(row.allowed_ips) as string[] }))
}

/** Where a list is active; projects that are archived are none. */
export async function placesOf(sql: Sql, organization_id: string, ip_allowlist_id: string): Promise<Place[]> {
  const rows = await sql
    .selectFrom('active_ip_allowlists as active')
    .leftJoin('projects as project', (on) =>
      on.onRef('project.organization_id', '=', 'active.organization_id').onRef('project.id', '=', 'active.project_id'),
    )
    .select('active.project_id')
    .where('active.organization_id', '=', organization_id)
    .where('active.ip_allowlist_id', '=', ip_allowlist_id)
    .where('project.archived_at', 'is', null)
    .orderBy('active.project_id')
    .execute()
  return rows.map(({ project_id }) => ({ organization_id, project_id }))
}

export const activateLists = (sql: Sql, place: Place, ids: readonly string[]) =>
  sql
    .insertInto('active_ip_allowlists')
    .values(ids.map((ip_allowlist_id) => ({ ...place, ip_allowlist_id })))
    .execute()

export const deactivateLists = (sql: Sql, { organization_id, project_id }: Place, ids: readonly string[]) =>
  sql
    .deleteFrom('active_ip_allowlists')
    .where('organization_id', '=', organization_id)
    .where('project_id', '=', project_id)
    .where('ip_allowlist_id', 'in', ids)
    .execute()

/** What the lists that are active in a place allow together; empty where none is. */
export async function allowedAt(sql: Sql, place: Place): Promise<string[]> {
  const lists = await activeLists(sql, place)
  return [...new Set(lists.flatMap(({ allowed_ips }) => allowed_ips))]
}
