/**
 * The 404 for a path that nothing answers, with what is wrong where the base URL of a client is.
 */
import { unknownRoute, type ApiError } from '../contract/errors.ts'
import { gatewayPermissions } from '../contract/permissions.ts'

const TWICE =
  ' The path has "/v1" twice: if the client adds it by itself, its base URL is the address of this server without "/v1".'
const MISSING =
  ' What is answered here is below "/v1": the base URL of an OpenAI client is the address of this server with "/v1" at its end.'

/** `path` as the log may show it. */
export const unknownPath = (method: string, path: string): ApiError => unknownRoute(method, path, hintFor(path))

function hintFor(path: string): string {
  const [, first = '', second = ''] = path.toLowerCase().split('/')
  if (first === 'v1') return second === 'v1' ? TWICE : ''
  return Object.hasOwn(gatewayPermissions, first) || others.has(first) ? MISSING : ''
}

/** First segments that `gatewayPermissions` does not have. */
const others = new Set(['organization', 'projects'])
