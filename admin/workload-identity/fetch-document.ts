/**
 * Fetches JSON from an issuer: over https, from public addresses only, without following a
 * redirect, within bounds of time and size. Who may register an issuer must not be able to make the
 * server talk to its own network. Hosts that a setting names are exempt, and may use http.
 */
import { invalid } from '../../contract/errors.ts'
import { isPublicAddress } from '../../world/public-address.ts'
import type { World } from '../../world/world.ts'

const MILLISECONDS = 5_000
const LARGEST = 256 * 1024

/** The hosts that the setting names, as `host` or `host:port`. */
export type MayFetchFrom = ReadonlySet<string>

/** A document could not be fetched; the message is a sentence for the caller of the exchange. */
export class Unfetchable extends Error {}

const isNamed = ({ host, hostname }: URL, hosts: MayFetchFrom) => hosts.has(host) || hosts.has(hostname)

/** Why this URL is never fetched from; null if it may be. */
function refusal(url: string, hosts: MayFetchFrom): string | null {
  const parsed = URL.parse(url)
  if (!parsed) return 'it is no URL.'
  if (parsed.username !== '' || parsed.password !== '' || parsed.hash !== '')
    return 'it may have neither a user nor a fragment.'
  if (isNamed(parsed, hosts)) return /^https?:$/.test(parsed.protocol) ? null : 'it must begin with https://.'
  return parsed.protocol === 'https:' ? null : 'it must begin with https://.'
}

/** Throws 400 for a URL that keys are never fetched from. */
export function requireFetchable(url: string, param: string, hosts: MayFetchFrom) {
  const why = refusal(url, hosts)
  if (why) throw invalid(`Invalid '${param}': ${why}`, param, 'unusable_value')
}

/** The JSON that a GET of the URL answers. Throws Unfetchable. */
export async function fetchDocument(world: World, url: string, hosts: MayFetchFrom): Promise<unknown> {
  const why = refusal(url, hosts)
  if (why) throw new Unfetchable(`${url} is not fetched: ${why}`)
  const signal = AbortSignal.timeout(MILLISECONDS)
  try {
    const response = await request(world, new URL(url), hosts, signal)
    if (response.status !== 200) {
      await response.body?.cancel()
      throw new Unfetchable(`${url} answered ${response.status}.`)
    }
    return JSON.parse(await textOf(response, url))
  } catch (error) {
    if (error instanceof Unfetchable) throw error
    if (signal.aborted) throw new Unfetchable(`${url} did not answer within ${MILLISECONDS / 1000} seconds.`)
    throw new Unfetchable(
      error instanceof SyntaxError ? `${url} did not answer JSON.` : `${url} could not be reached.`,
      { cause: error },
    )
  }
}

/**
 * The connection goes to the address that was looked at, because a second look-up of the name could
 * answer another one. The certificate must still be that of the name.
 */
async function request(world: World, url: URL, hosts: MayFetchFrom, signal: AbortSignal): Promise<Response> {
  const headers = { accept: 'application/json' }
  if (isNamed(url, hosts)) return world.fetch(url.href, { headers, redirect: 'manual', signal })
  const name = url.hostname.replace(/^\[|\]$/g, '')
  const addresses = await Promise.race([world.addressesOf(name), whenAborted(signal)])
  const blocked = addresses.find((address) => !isPublicAddress(address))
  if (blocked !== undefined)
    throw new Unfetchable(
      `${url.href} is not fetched: the address of ${name} is not public. KEYHALL_ISSUER_HOSTS can allow the host.`,
    )
  const [address] = addresses
  if (address === undefined) throw new Unfetchable(`${url.href} could not be reached.`)
  const pinned = new URL(url)
  pinned.hostname = address.includes(':') ? `[${address}]` : address
  return world.fetch(pinned.href, {
    headers: { ...headers, host: url.host },
    redirect: 'manual',
    signal,
    tls: { serverName: name } as never,
  })
}

const whenAborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))

async function textOf(response: Response, url: string): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let size = 0
  for await (const bytes of response.body ?? []) {
    size += bytes.length
    if (size > LARGEST) throw new Unfetchable(`${url} answered more than ${LARGEST} bytes.`)
    text += decoder.decode(bytes, { stream: true })
  }
  return text + decoder.decode()
}
