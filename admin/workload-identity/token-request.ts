/**
 * Reads a token exchange (RFC 8693): JSON as the official SDK sends it, or a form as in the RFC.
 */
import { invalidRequest, OAuthError } from './oauth-error.ts'

export interface TokenRequest {
  subject_token: string
  identity_provider_id: string
  service_account_id: string
}

const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const TOKEN_TYPES = ['urn:ietf:params:oauth:token-type:jwt', 'urn:ietf:params:oauth:token-type:id_token']
const LONGEST_TOKEN = 16 * 1024
const LONGEST_ID = 255

/**
 * Throws OAuthError. Members that it does not know are ignored, as the RFC says: `scope` and the
 * like grant nothing, because the rule says what the token may do.
 */
export function readTokenRequest(contentType: string | null, text: string): TokenRequest {
  const values = (contentType ?? '').toLowerCase().startsWith('application/x-www-form-urlencoded')
    ? formOf(text)
    : jsonOf(text)
  const take = (name: string, longest: number) => {
    const value = values.get(name)
    if (value === undefined || value === '') throw invalidRequest(`Missing parameter: ${name}.`)
    if (typeof value !== 'string') throw invalidRequest(`${name} must be a string.`)
    if (value.length > longest) throw invalidRequest(`${name} has more than ${longest} characters.`)
    return value
  }
  if (take('grant_type', LONGEST_ID) !== GRANT_TYPE)
    throw new OAuthError(400, 'unsupported_grant_type', `grant_type must be ${GRANT_TYPE}.`)
  if (!TOKEN_TYPES.includes(take('subject_token_type', LONGEST_ID)))
    throw invalidRequest(`subject_token_type must be ${TOKEN_TYPES.join(' or ')}.`)
  return {
    subject_token: take('subject_token', LONGEST_TOKEN),
    identity_provider_id: take('identity_provider_id', LONGEST_ID),
    service_account_id: take('service_account_id', LONGEST_ID),
  }
}

function jsonOf(text: string): Map<string, unknown> {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    throw invalidRequest('The body could be read neither as JSON nor, by its content type, as a form.')
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw invalidRequest('The body must be a JSON object.')
  return new Map(Object.entries(body))
}

function formOf(text: string): Map<string, unknown> {
  const values = new Map<string, unknown>()
  for (const [name, value] of new URLSearchParams(text)) {
    if (values.has(name)) throw invalidRequest('A parameter of the form stands there twice.')
    values.set(name, value)
  }
  return values
}
