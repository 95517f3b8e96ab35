/** Why a call failed, in one sentence, and which exit code that is. */
import { APIConnectionError, APIError, type KeyhallError } from '../client/index.ts'
import { Failed, wrongUsage, type ExitCode } from '../world/failed.ts'
import { printable, printableJson } from '../world/printable.ts'
import type { Terminal } from '../world/terminal.ts'

/** Where the server is, and what said so: a flag, a variable, or nothing. */
export interface ServerAddress {
  url: string
  source: string
}

/** Throws Failed for an address that is none. */
export function serverAddress(flag: string | undefined, environment: Terminal['environment']): ServerAddress {
  const variable = environment.OPENAI_BASE_URL?.trim()
  const url = flag ?? (variable || 'http://127.0.0.1:4100/v1')
  const source = flag === undefined ? 'OPENAI_BASE_URL' : '--base-url'
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url))
    throw wrongUsage(`${source} must be a whole URL, such as http://127.0.0.1:4100/v1, not "${printable(url)}".`)
  return { url, source }
}

interface Circumstances {
  /** JSON was asked for by name, so errors are JSON too. */
  isJson: boolean
  address: ServerAddress
  terminal: Terminal
}

export function refuse(error: KeyhallError, { isJson, address, terminal: { err } }: Circumstances): ExitCode {
  if (error instanceof APIConnectionError) {
    const { code = error.message.replace(/\.$/, '') } = (error.cause ?? {}) as { code?: string }
    throw new Failed(`No usable answer from ${address.url} (${code}); is the server running there?`, 7)
  }
  if (!(error instanceof APIError)) throw wrongUsage(error.message)
  if (isElsewhere(error, address))
    throw wrongUsage(
      `${address.source} must end in /v1, as in http://127.0.0.1:4100/v1, and is ${printable(address.url)}.`,
    )
  const { status, code, param, requestID } = error
  const message = error.message.replace(/^\d{3} /, '')
  if (isJson) {
    const body = { message, type: error.type ?? null, param: param ?? null, code: code ?? null }
    err(`${printableJson({ error: { ...body, status, request_id: requestID ?? null } })}\n`)
  } else {
    const details = [...(param ? [`parameter ${param}`] : []), ...(requestID ? [`request ${requestID}`] : [])]
    err(`keyhall: ${printable(message)}${details.length > 0 ? ` (${printable(details.join(', '))})` : ''}\n`)
  }
  return exitCodeOf(status)
}

/**
 * Whether an error comes of an address without `/v1`, or with it twice, and not of an object that
 * does not exist: that one has a code.
 */
function isElsewhere({ status, code }: APIError, { url }: ServerAddress) {
  const { pathname } = new URL(url)
  // Below /v1 the server takes what it does not know for a model request, which an admin key may
  // not make.
  if (/\/v1\/v1\/*$/.test(pathname)) return status === 403 || status === 404
  return status === 404 && !code?.endsWith('_not_found') && !/\/v1\/*$/.test(pathname)
}

function exitCodeOf(status: number | undefined): ExitCode {
  if (status === undefined) return 7
  if (status >= 500) return 6
  return ({ 401: 4, 403: 4, 404: 3 } as const)[status] ?? 5
}
