/**
 * The active certificates of a project and its organization, to which client certificates must
 * chain: read with each key of such a project.
 */
import { statement } from '../../database/statement.ts'
import type { Sql } from '../../database/types.ts'
import type { KeyRing } from '../ring.ts'
import { hasTrustMac } from '../trust-mac.ts'
import { derOfPem, parseCertificate, type Certificate } from './certificate.ts'

/** One object for all keys of projects with the same active certificates. */
export interface Authorities {
  readonly certificates: readonly Certificate[]
}

const MOST_KNOWN = 1_000

const parsed = new Map<string, Certificate>()
const shared = new Map<string, Authorities>()

/**
 * Those that are genuine. Where somebody changed or removed a row without the pepper there may be
 * none: then no client certificate is accepted.
 */
export async function authoritiesOf(
  sql: Sql,
  keys: Pick<KeyRing, 'peppers' | 'reportForged'>,
  organization_id: string,
  project_id: string,
): Promise<Authorities> {
  const sets = await activeSets(sql, { organization_id, project_id })
  const rows = await livingCertificates(sql, { organization_id })
  const active = new Set<string>()
  for (const set of sets)
    if (!hasTrustMac(keys.peppers, 'active_certificates', set)) keys.reportForged(set.project_id || organization_id)
    else for (const id of JSON.parse(set.certificate_ids) as string[]) active.add(id)
  const certificates: Record<string, Certificate> = {}
  for (const row of rows) {
    if (!active.has(row.id)) continue
    if (hasTrustMac(keys.peppers, 'certificates', row)) certificates[row.id] = remembered(parsed, row.content, parse)
    else keys.reportForged(row.id)
  }
  const ids = Object.keys(certificates).toSorted()
  return remembered(shared, ids.join(' '), () => ({ certificates: ids.map((id) => certificates[id]!) }))
}

const parse = (pem: string) => parseCertificate(derOfPem(pem)!)

function remembered<Value>(known: Map<string, Value>, name: string, make: (name: string) => Value): Value {
  let one = known.get(name)
  if (one === undefined) {
    if (known.size >= MOST_KNOWN) known.clear()
    known.set(name, (one = make(name)))
  }
  return one
}

const activeSets = statement((sql: Sql, params: { organization_id: string; project_id: string }) =>
  sql
    .selectFrom('active_certificates')
    .selectAll()
    .where('organization_id', '=', params.organization_id)
    .where((is) => is.or([is('project_id', '=', params.project_id), is('project_id', '=', '')])),
)

const livingCertificates = statement((sql: Sql, params: { organization_id: string }) =>
  sql
    .selectFrom('certificates')
    .selectAll()
    .where('organization_id', '=', params.organization_id)
    .where('deleted_at', 'is', null),
)
