/**
 * The one key that a request shows: in `Authorization: Bearer`, or as Azure's clients send it in
 * `api-key`, or as Anthropic's do in `x-api-key`.
 */
import { twoKeys } from '../contract/gateway-errors.ts'

/** The headers that can have a key. */
export interface KeyHeaders {
  authorization?: string | undefined
  'api-key'?: string | undefined
  'x-api-key'?: string | undefined
}

/**
 * The key in the form of an `Authorization` header; null without any. Some clients send the same
 * key in two of the headers. Two different keys are refused: which of them counts would depend on
 * who reads.
 */
export function credentialIn(headers: KeyHeaders): string | null {
  const { authorization, 'api-key': azure, 'x-api-key': anthropic } = headers
  if (azure === undefined && anthropic === undefined) return authorization ?? null
  if (azure !== undefined && anthropic !== undefined && azure !== anthropic) throw twoKeys()
  const key = (azure ?? anthropic)!
  if (authorization !== undefined && !isBearerOf(authorization, key)) throw twoKeys()
  return `Bearer ${key}`
}

const isBearerOf = (authorization: string, key: string) =>
  authorization.endsWith(key) && /^bearer +$/i.test(authorization.slice(0, authorization.length - key.length))
