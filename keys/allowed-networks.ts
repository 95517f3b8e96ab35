/** The addresses from which keys may be used, where IP allow lists are active. */
import { sql, type RawBuilder } from 'kysely'
import { ipNotAuthorized } from '../contract/limit-errors.ts'
import { Networks } from '../world/networks.ts'

const MOST_KNOWN = 1_000
/** Keys of one project have the same networks, and share one object for them. */
const known = new Map<string, Networks | null>()

/** Of the setting as it is stored; null where no list is active. */
export function networksOf(json: string | null): Networks | null {
  if (json === null) return null
  let networks = known.get(json)
  if (networks === undefined) {
    const cidrs = JSON.parse(json) as string[]
    networks = cidrs.length > 0 ? new Networks(cidrs) : null
    if (known.size >= MOST_KNOWN) known.clear()
    known.set(json, networks)
  }
  return networks
}

/**
 * The setting of an organization as it is stored, for the query of who calls; null where none is.
 */
export const organizationAllowlist = (organization: string): RawBuilder<string | null> => sql<string | null>`(
  select value from project_settings
  where organization_id = ${sql.ref(organization)} and project_id = '' and name = 'ip_allowlist')`

/** Throws 401 unless each of them has the address. */
export function requireAllowed(all: readonly Networks[], address: string | null) {
  for (const networks of all) if (!networks.has(address)) throw ipNotAuthorized(address ?? 'unknown')
}
