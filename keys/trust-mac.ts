/**
 * The MACs of what says whom to trust: providers, federation rules and access tokens of workloads,
 * certificates of authorities and which of them are active, sessions of people and how they sign
 * in. Somebody who can write the database but lacks the pepper can add none, nor change whom one
 * trusts or what it permits. Deleting a provider, a rule or a certificate, or ending a session,
 * deletes its MAC.
 */
import { createHash } from 'node:crypto'
import type {
  AccessTokenRow,
  ActiveCertificatesRow,
  CertificateRow,
  FederationRuleRow,
  IdentityProviderRow,
  SessionRow,
  SignInIdentityRow,
  SignInLinkRow,
} from '../database/identity-tables.ts'
import type { Sql } from '../database/types.ts'
import { isMac, mac, type Pepper, type Peppers } from './digest.ts'

interface Rows {
  identity_providers: IdentityProviderRow
  federation_rules: FederationRuleRow
  access_tokens: AccessTokenRow
  certificates: CertificateRow
  active_certificates: ActiveCertificatesRow
  sessions: SessionRow
  sign_in_links: SignInLinkRow
  sign_in_identities: SignInIdentityRow
}

/** Everything but names, descriptions and times, which decide nothing. */
const covered = {
  identity_providers: [
    'organization_id',
    'id',
    'issuer',
    'audience',
    'attribute_transformations',
    'verification',
    'enabled',
  ],
  federation_rules: [
    'organization_id',
    'provider_id',
    'id',
    'attribute_matchers',
    'project_id',
    'service_account_id',
    'scopes',
    'enabled',
  ],
  access_tokens: [
    'organization_id',
    'project_id',
    'id',
    'digest',
    'service_account_id',
    'provider_id',
    'rule_id',
    'scopes',
    'expires_at',
  ],
  certificates: ['organization_id', 'id', 'content'],
  active_certificates: ['organization_id', 'project_id', 'certificate_ids'],
  sessions: [
    'organization_id',
    'id',
    'digest',
    'user_id',
    'role',
    'method',
    'admin_key_id',
    'created_at',
    'expires_at',
  ],
  sign_in_links: ['organization_id', 'id', 'digest', 'user_id', 'expires_at'],
  sign_in_identities: ['organization_id', 'id', 'issuer', 'subject', 'user_id'],
} as const satisfies { [Table in keyof Rows]: readonly (keyof Rows[Table])[] }

const labels = {
  identity_providers: 'identity-provider:v1',
  federation_rules: 'federation-rule:v1',
  access_tokens: 'access-token:v1',
  certificates: 'certificate:v1',
  active_certificates: 'active-certificates:v1',
  sessions: 'session-row:v1',
  sign_in_links: 'sign-in-link-row:v1',
  sign_in_identities: 'sign-in-identity:v1',
} as const

type Covered<Table extends keyof Rows> = Pick<Rows[Table], (typeof covered)[Table][number] & keyof Rows[Table]>

function encode<Table extends keyof Rows>(table: Table, row: Covered<Table>): string {
  const values = (covered[table] as readonly string[]).map((column) => {
    const value = (row as unknown as Record<string, unknown>)[column]
    return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
  })
  return JSON.stringify(values)
}

/** A digest of all that a row decides, by which a later one is told from an older. */
export const trustDigest = <Table extends keyof Rows>(table: Table, row: Covered<Table>): string =>
  createHash('sha256').update(encode(table, row)).digest('hex')

/** The row with its MAC. */
export const withTrustMac = <Table extends keyof Rows, Row extends Covered<Table>>(
  pepper: Pepper,
  table: Table,
  row: Row,
): Row & { mac: Uint8Array } => ({ ...row, mac: mac(pepper, labels[table], encode(table, row)) })

/** Whether one of these peppers made the MAC of a row. */
export const hasTrustMac = <Table extends keyof Rows>(
  peppers: Peppers,
  table: Table,
  row: Covered<Table> & { mac: Uint8Array | null },
): boolean => row.mac !== null && isMac(peppers, labels[table], encode(table, row), row.mac)

/**
 * Gives all rows but access tokens, sessions and links a MAC under the current pepper, before the
 * other one is retired. Rows that were forged keep theirs, which then opens as little as before.
 */
export async function renewTrustMacs(sql: Sql, peppers: Peppers) {
  for (const [table, id] of renewed) {
    const rows = await sql
      .selectFrom(table as 'certificates')
      .selectAll()
      .where('mac', 'is not', null)
      .execute()
    for (const row of rows) {
      if (!hasTrustMac(peppers, table, row as never)) continue
      const { mac } = withTrustMac(peppers[0], table, row as never) as { mac: Uint8Array }
      await sql
        .updateTable(table as 'certificates')
        .set({ mac })
        .where('organization_id', '=', row.organization_id)
        .where(id as 'id', '=', (row as unknown as Record<string, string>)[id]!)
        .execute()
    }
  }
}

/** Each with the column that names a row within the organization. */
const renewed = [
  ['identity_providers', 'id'],
  ['federation_rules', 'id'],
  ['certificates', 'id'],
  ['active_certificates', 'project_id'],
  ['sign_in_identities', 'id'],
] as const
