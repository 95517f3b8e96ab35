/** Which part of a report somebody may read who may not read all of it. */
import { reportNotPermitted } from '../../contract/session-errors.ts'
import { projectsWith } from '../../keys/held-permissions.ts'
import type { Call } from '../call.ts'

/**
 * Throws 403 unless the caller holds the permission in the organization, or the query names only
 * projects in which a role gives it to them, or nobody but themselves. Both filters choose rows
 * before anything is grouped, so nothing of others is in the answer.
 */
export async function requireOwnPart(call: Pick<Call<any>, 'db' | 'caller' | 'query'>, permission: string) {
  const { db, caller } = call
  if (caller.may(permission)) return
  const { project_ids, user_ids } = call.query as Filters
  if (isOnly(user_ids, [caller.user_id])) return
  if (project_ids && isOnly(project_ids, await projectsWith(db, caller, permission))) return
  throw reportNotPermitted(permission, caller.user_id)
}

interface Filters {
  project_ids?: readonly string[]
  user_ids?: readonly string[]
}

/** Whether the filter has values, all of them among these. */
const isOnly = (filter: readonly string[] = [], values: readonly string[]) =>
  filter.length > 0 && filter.every((value) => values.includes(value))
