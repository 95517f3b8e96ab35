/**
 * The row types of what an organization registers: what it has at cloud providers, and networks
 * that may call.
 */

export interface RegistryTables {
  external_keys: ExternalKeyRow
  external_storage: ExternalStorageRow
  ip_allowlists: IpAllowlistRow
  active_ip_allowlists: ActiveIpAllowlistRow
}

export interface ExternalKeyRow {
  organization_id: string
  id: string
  name: string
  /** `aws`, `gcp`, `azure` or `oci`. */
  type: string
  /** `ekm` or `psp_decryption`. */
  purpose: string
  /** JSON: the members that go with the type. */
  members: string
  created_at: number
  deleted_at: number | null
}

export interface ExternalStorageRow {
  organization_id: string
  id: string
  project_id: string
  /** JSON, as it was sent. */
  provider: string
  created_at: number
  deleted_at: number | null
}

export interface IpAllowlistRow {
  organization_id: string
  id: string
  name: string
  /** JSON array of addresses and CIDRs, each in its one form. */
  allowed_ips: string
  created_at: number
  deleted_at: number | null
}

export interface ActiveIpAllowlistRow {
  organization_id: string
  /** Empty for the organization. */
  project_id: string
  ip_allowlist_id: string
}
