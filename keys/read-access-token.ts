/** Reads the access token of a workload from storage, as the project key that it stands for. */
import type { Sql } from '../database/types.ts'
import { statement } from '../database/statement.ts'
import { seconds, type World } from '../world/world.ts'
import { mayHold } from './access.ts'
import { sameBytes, searchOrder } from './digest.ts'
import { limitsOf } from './project-limits.ts'
import { grantedTo, restrict, sharing, type ProjectKey } from './read-project-key.ts'
import type { KeyRing } from './ring.ts'
import { hasTrustMac } from './trust-mac.ts'

/**
 * Reads the living token that has one of these digests, of which there is one for each accepted
 * pepper; undefined for one that is unknown, ended, expired or forged. A rule or provider that is
 * changed or deleted takes its tokens along, so neither is read here.
 */
export function accessTokenReader(
  sql: Sql,
  keys: Pick<KeyRing, 'peppers' | 'reportForged'>,
  world: World,
): (digests: readonly Buffer[]) => Promise<ProjectKey | undefined> {
  const share = sharing()

  async function find(digests: readonly Buffer[]) {
    for (const n of searchOrder(digests.length)) {
      const [row] = await tokenByDigest(sql, { digest: digests[n]! })
      if (!row || !sameBytes(row.digest, digests[n]!) || row.deleted_at !== null) continue
      if (hasTrustMac([keys.peppers[n]!], 'access_tokens', row)) return row
      keys.reportForged(row.id)
    }
    return undefined
  }

  return async (digests) => {
    const row = await find(digests)
    if (!row || row.expires_at <= seconds(world)) return undefined
    const { organization_id, project_id, id, service_account_id: owner_id, rule_id, expires_at } = row
    const [granted, limits] = await Promise.all([
      row.archived_at === null ? grantedTo(sql, { ...row, owner_id }) : null,
      limitsOf(sql, keys, organization_id, project_id),
    ])
    return {
      organization_id,
      project_id,
      key_id: id,
      owner_type: 'service_account',
      owner_id,
      rule_id,
      ...share(restrict(granted ?? [], JSON.parse(row.scopes) as string[])),
      has_access: granted !== null,
      expires_at,
      limits,
    }
  }
}

const tokenByDigest = statement((sql: Sql, params: { digest: Uint8Array }) =>
  sql
    .selectFrom('access_tokens as token')
    .innerJoin('projects as project', (on) =>
      on.onRef('project.organization_id', '=', 'token.organization_id').onRef('project.id', '=', 'token.project_id'),
    )
    .innerJoin('service_accounts as account', (on) =>
      on
        .onRef('account.organization_id', '=', 'token.organization_id')
        .onRef('account.id', '=', 'token.service_account_id'),
    )
    .selectAll('token')
    .select(['project.archived_at', 'account.role as account_role', 'account.deleted_at'])
    .select(mayHold('token.organization_id', 'token.service_account_id').as('may_hold'))
    .where('token.digest', '=', params.digest),
)
