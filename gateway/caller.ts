/** Who calls the gateway or asks `/verify`, and the decision about it. */
import type { ProjectKey } from '../keys/read-project-key.ts'

/** A living project key: its owner, where it belongs, and what it may do. */
export type ProjectCaller = ProjectKey

/** What a key is shown for, as far as it is known. */
export interface Wanted {
  /** The permission that the path needs; empty where `/verify` names none. */
  permission: string
  /** Null for a request that names no model; undefined before the body was read. */
  model: string | null | undefined
  /** Where the certificate of the client is found. */
  request: Request
}

export interface Authorized {
  caller: ProjectCaller
  /** Names the key in memory. */
  digest: string
}

export interface Authorizer {
  /**
   * Answers who calls with this `Authorization` header and may do what is wanted: at once where
   * memory knows the key. Of the request only its address is looked at, where an IP allow list is
   * active. Throws ApiError: 401 for a key that opens nothing, or nothing from there, 403 for a
   * living one that a policy does not permit this, 503 when storage must be asked and does not
   * answer.
   */
  authorize: (authorization: string | null, wanted: Wanted, request: Request) => Authorized | Promise<Authorized>
  /**
   * The same decision taken again, later in the same request: at once where nothing was revoked
   * meanwhile.
   */
  authorizeAgain: (
    authorized: Authorized,
    authorization: string | null,
    wanted: Wanted,
    request: Request,
  ) => Authorized | Promise<Authorized>
  /**
   * False when the key must be looked at again: it expired, or something was revoked that it
   * depends on.
   */
  isCurrent: (authorized: Authorized) => boolean
  /** False while storage does not answer: then nobody can say what was revoked. */
  canTell: () => boolean
}
