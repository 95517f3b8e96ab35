/** Finds a group, for several resources. */
import { notFound } from '../../contract/errors.ts'
import { listOf } from '../../database/table-list.ts'
import type { GroupRow } from '../../database/tables.ts'
import type { Call } from '../call.ts'

export const groupsTable = listOf(
  'groups',
  ['organization_id'],
  (item) => item.selectAll().where('item.deleted_at', 'is', null),
  { order: 'asc' },
)

/** Throws 404; `param` names the member of the body that held the id, if it was there. */
export async function findGroup(
  { db, organization_id }: Pick<Call, 'db' | 'organization_id'>,
  id: string,
  param: string | null = null,
): Promise<GroupRow> {
  const group = await groupsTable.find(db, { organization_id }, id)
  if (!group) throw notFound('group', id, param)
  return group
}
