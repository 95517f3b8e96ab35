/** Who calls the gateway, and the question that tells. */

/** A living project key, its owner, and where it belongs. */
export interface ProjectCaller {
  organization_id: string
  project_id: string
  key_id: string
  owner_type: 'user' | 'service_account'
  owner_id: string
  /** With spaces between. */
  scopes: string
}

/**
 * Answers who calls with this `Authorization` header and may do what `needed` names. Throws ApiError: 401 for a key that opens nothing,
 * 403 for a living one without the permission, 503 when that cannot be told.
 */
export type Authorize = (authorization: string | null, needed: string) => ProjectCaller | Promise<ProjectCaller>
