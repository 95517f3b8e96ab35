/** The row types of what an organization registers about its cloud providers. */

export interface RegistryTables {
  external_keys: ExternalKeyRow
  external_storage: ExternalStorageRow
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
