/** Errors of the token endpoint, in the form of OAuth (RFC 6749, 5.2). They never quote a token. */
import { wireError } from '../../http/wire-error.ts'

export type OAuthCode =
  | 'invalid_request'
  | 'invalid_grant'
  | 'unsupported_grant_type'
  | 'temporarily_unavailable'
  | 'server_error'

export class OAuthError extends Error {
  readonly status: number
  readonly code: OAuthCode

  constructor(status: number, code: OAuthCode, description: string, options?: ErrorOptions) {
    super(description, options)
    this.status = status
    this.code = code
  }
}

/** A malformed request. */
export const invalidRequest = (description: string) => new OAuthError(400, 'invalid_request', description)

/** The token, the provider or the service account do not go together, or no longer. */
export const invalidGrant = (description: string) => new OAuthError(400, 'invalid_grant', description)

/** The issuer's keys could not be read: the same request may succeed later. */
export const issuerUnavailable = (description: string, cause: unknown) =>
  new OAuthError(503, 'temporarily_unavailable', description, { cause })

/** What was thrown, in OAuth's form. Whatever else can happen to a request is told in its words. */
export function oauthError(thrown: unknown, request_id: string): OAuthError {
  if (thrown instanceof OAuthError) return thrown
  const { status, message } = wireError(thrown, request_id)
  const code = status === 503 || status === 429 ? 'temporarily_unavailable' : status >= 500 ? 'server_error' : null
  return new OAuthError(status, code ?? 'invalid_request', message, { cause: thrown })
}
