/** Ends access tokens of workloads, on every server and before the call is answered. */
import type { Call } from '../call.ts'

type Ending = Pick<Call, 'db' | 'organization_id' | 'invalidate'>

/** Those of a provider, or of one of its rules. Their service accounts' keys are read again. */
export async function endAccessTokens(call: Ending, provider_id: string, rule_id?: string) {
  const tokens = call.db
    .deleteFrom('access_tokens')
    .where('organization_id', '=', call.organization_id)
    .where('provider_id', '=', provider_id)
  const ended = await (rule_id === undefined ? tokens : tokens.where('rule_id', '=', rule_id))
    .returning('service_account_id')
    .execute()
  for (const id of new Set(ended.map((token) => token.service_account_id))) call.invalidate({ scope: 'owner', id })
}

/**
 * Those of a service account that is being deleted; its event already makes servers forget them.
 */
export const endAccessTokensOf = (call: Omit<Ending, 'invalidate'>, service_account_id: string) =>
  call.db
    .deleteFrom('access_tokens')
    .where('organization_id', '=', call.organization_id)
    .where('service_account_id', '=', service_account_id)
    .execute()
