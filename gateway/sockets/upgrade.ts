/** The request that opens a WebSocket (RFC 6455, 4.2.1): who sends it, and whether it is one. */
import { ApiError } from '../../contract/errors.ts'
import { brokenUpgrade, twoKeys, wrongSocketVersion } from '../../contract/gateway-errors.ts'
import type { RequestHeaders } from '../headers.ts'

/** Browsers can send no `Authorization` with a WebSocket: the key stands among its protocols. */
const KEY = 'openai-insecure-api-key.'
/** A browser's too, for an organization and a project; they are for us as the key is. */
const OURS = /^openai-(insecure-api-key|organization|project)\./i

/** The paths that are WebSockets where they are asked to be. */
const PATHS = ['/realtime']

export const asksForSocket = ({ upgrade }: RequestHeaders) =>
  upgrade !== undefined && /(^|[\s,])websocket($|[\s,])/i.test(upgrade)

/** Whether this is a WebSocket that is relayed. */
export const isSocket = (method: string, endpoint: string, { upgrade }: RequestHeaders) =>
  method === 'GET' && PATHS.includes(endpoint) && upgrade?.toLowerCase() === 'websocket'

/** The sub-protocols that a client offers, without those that are for us. */
export const offeredProtocols = (headers: RequestHeaders) => protocolsIn(headers).filter((one) => !OURS.test(one))

/** The key among the sub-protocols; null without any. Throws 400 for two that differ. */
export function keyInProtocols(headers: RequestHeaders): string | null {
  const keys = protocolsIn(headers).filter((one) => one.startsWith(KEY))
  if (keys.length === 0) return null
  if (new Set(keys).size > 1) throw twoKeys()
  return `Bearer ${keys[0]!.slice(KEY.length)}`
}

const protocolsIn = ({ 'sec-websocket-protocol': list }: RequestHeaders) =>
  list === undefined ? [] : list.split(',').map((one) => one.trim())

/**
 * Throws where two servers could disagree about whether this is the beginning of a WebSocket:
 * whoever took it for another request would read the frames as requests of their own.
 */
export function requireHandshake(headers: RequestHeaders) {
  const connection = (headers.connection ?? '').toLowerCase().split(',')
  if (!connection.some((one) => one.trim() === 'upgrade')) throw brokenUpgrade('"Connection: Upgrade" is missing')
  if (headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0')
    throw brokenUpgrade('it has a body')
  if (headers['sec-websocket-version'] !== '13') throw wrongSocketVersion()
  if (!/^[A-Za-z0-9+/]{21}[AQgw]==$/.test(headers['sec-websocket-key'] ?? ''))
    throw brokenUpgrade('"Sec-WebSocket-Key" is not 16 bytes in base64')
  for (const one of offeredProtocols(headers))
    if (!/^[\w!#$%&'*+.^`|~-]{1,128}$/.test(one)) throw brokenUpgrade('"Sec-WebSocket-Protocol" is not a list of names')
}

/** The error as an event of a session, as OpenAI sends it. */
export const errorMessage = (error: ApiError, event_id: string) =>
  JSON.stringify({ type: 'error', event_id, error: error.body.error })
