/** Writes to the audit log that somebody could not sign in. */
import type { ApiError } from '../../contract/errors.ts'
import { newId } from '../../world/random.ts'
import { seconds } from '../../world/world.ts'
import { appendEvents, lockOrganization, notBefore } from '../audit-chain.ts'
import type { Attempt } from '../call.ts'

/**
 * Written to the log of the organization of this server; of several, nobody can say which was
 * meant. Not more often than `SignIns` permits.
 */
export async function writeFailure({ context, ip_address, user_agent }: Attempt, error: ApiError) {
  const { database, keys, world, signIns } = context
  const organizations = await database.read.selectFrom('organizations').select('id').limit(2).execute()
  if (organizations.length !== 1) return
  const taken = signIns.takeEvent()
  if (!taken) return
  const more = taken.unwritten > 0 ? ` ${taken.unwritten} more failures before this one have no event.` : ''
  const payload = { error_code: error.code ?? 'sign_in_failed', error_message: error.message + more }
  const actor = { key_id: null, user_id: null, email: null, ip_address, user_agent }
  await database.write(async (sql) => {
    const [head] = await lockOrganization(sql, { organization_id: organizations[0]!.id })
    if (!head) return
    const event = { id: newId('audit_log-', world), type: 'login.failed' as const, payload, project_id: null }
    await appendEvents(sql, keys.peppers, head, [event], actor, notBefore(head.newest_at, seconds(world)))
  })
}
