/**
 * The row types of workload identity, of sessions, of certificates and of settings of projects:
 * whom to trust, for what, and the access tokens in use.
 */

export interface IdentityTables {
  identity_providers: IdentityProviderRow
  federation_rules: FederationRuleRow
  access_tokens: AccessTokenRow
  project_settings: ProjectSettingRow
  certificates: CertificateRow
  active_certificates: ActiveCertificatesRow
  sessions: SessionRow
  sign_in_links: SignInLinkRow
  sign_in_identities: SignInIdentityRow
}

/** An OIDC issuer whose tokens workloads exchange for access tokens. */
export interface IdentityProviderRow {
  organization_id: string
  id: string
  name: string
  description: string | null
  issuer: string
  audience: string
  /** JSON array of `{attribute, expression}`. */
  attribute_transformations: string
  /** JSON, as the API has it. */
  verification: string
  enabled: number
  created_at: number
  updated_at: number
  deleted_at: number | null
  /** Authenticates the row, see keys/trust-mac.ts; null for a deleted one. */
  mac: Uint8Array | null
}

/** Which tokens of a provider stand for a service account. */
export interface FederationRuleRow {
  organization_id: string
  provider_id: string
  id: string
  name: string | null
  description: string | null
  /** JSON object: attribute to value. */
  attribute_matchers: string
  project_id: string
  service_account_id: string
  /** JSON array; null for all that the service account may do. */
  scopes: string | null
  enabled: number
  created_at: number
  updated_at: number
  deleted_at: number | null
  mac: Uint8Array | null
}

/** A short-lived key that a workload got for a token of its issuer. Dead ones are deleted. */
export interface AccessTokenRow {
  organization_id: string
  project_id: string
  id: string
  digest: Uint8Array
  service_account_id: string
  provider_id: string
  rule_id: string
  /** JSON array; `[]` means all that the service account may do. */
  scopes: string
  created_at: number
  expires_at: number
  mac: Uint8Array
}

/** What a project may use beside models, and what is kept of its requests. */
export interface ProjectSettingRow {
  organization_id: string
  /** Empty for a setting of the organization. */
  project_id: string
  /**
   * `hosted_tools`: JSON array of those that are off. `service_tiers` and
   * `data_retention`: JSON, as the API has it. `ip_allowlist`: JSON array of all CIDRs that are
   * allowed; empty for any address.
   */
  name: string
  value: string
}

/** The certificate of an authority (CA). */
export interface CertificateRow {
  organization_id: string
  id: string
  name: string | null
  /** In PEM. */
  content: string
  valid_at: number
  expires_at: number
  created_at: number
  deleted_at: number | null
  /** Authenticates the row, see keys/trust-mac.ts; null for a deleted one. */
  mac: Uint8Array | null
}

/** Which certificates are active; no row where none is. */
export interface ActiveCertificatesRow {
  organization_id: string
  /** Empty for the organization itself. */
  project_id: string
  /** JSON array. */
  certificate_ids: string
  mac: Uint8Array
}

/** Somebody who is signed in with a browser. */
export interface SessionRow {
  organization_id: string
  id: string
  digest: Uint8Array
  user_id: string
  /** The role in the organization when the session began: `owner`, `reader` or `member`. */
  role: string
  /** `admin_key`, `link` or `oidc`. */
  method: string
  /** The admin key that it began with. */
  admin_key_id: string | null
  ip_address: string | null
  user_agent: string | null
  created_at: number
  expires_at: number
  last_used_at: number
  ended_at: number | null
  /** Authenticates the row, see keys/trust-mac.ts; null for a session that was ended. */
  mac: Uint8Array | null
}

/** A link with which somebody can sign in once. */
export interface SignInLinkRow {
  organization_id: string
  id: string
  digest: Uint8Array
  user_id: string
  created_at: number
  expires_at: number
  mac: Uint8Array
}

/** Who a person is at an OpenID issuer, from the first time that they signed in there. */
export interface SignInIdentityRow {
  organization_id: string
  id: string
  issuer: string
  subject: string
  user_id: string
  /** What the issuer called the person then; it decides nothing any more. */
  email: string | null
  created_at: number
  mac: Uint8Array
}
