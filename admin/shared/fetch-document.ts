/**
 * Fetches from an issuer: over https, from public addresses only, without following a
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
  const { status, text } = await fetchBounded(world, url, hosts, { headers: { accept: 'application/json' } })
  if (status !== 200) throw new Unfetchable(`${url} answered ${status}.`)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Unfetchable(`${url} did not answer JSON.`, { cause: error })
  }
}

interface Sent {
  method?: string
  headers: Record<string, string>
  body?: string | undefined
}

/** What the URL answers, whatever its status. Throws Unfetchable. */
export async function fetchBounded(
  world: World,
  url: string,
  hosts: MayFetchFrom,
  sent: Sent,
): Promise<{ status: number; headers: Headers; text: string }> {
  const why = refusal(url, hosts)
  if (why) throw new Unfetchable(`${url} is not fetched: ${why}`)
  const signal = AbortSignal.timeout(MILLISECONDS)
  try {
    const response = await request(world, new URL(url), hosts, { ...sent, signal })
    return { status: response.status, headers: response.headers, text: await textOf(response, url) }
  } catch (error) {
    if (error instanceof Unfetchable) throw error
    if (signal.aborted) throw new Unfetchable(`${url} did not answer within ${MILLISECONDS / 1000} seconds.`)
    throw new Unfetchable(`${url} could not be reached.`, { cause: error })
  }
}

/**
 * The connection goes to the address that was looked at, because a second look-up of the name could
 * answer another one. The certificate must still be that of the name.
 */
async function request(
  world: World,
  url: URL,
  hosts: MayFetchFrom,
  sent: Sent & { signal: AbortSignal },
): Promise<Response> {
  if (isNamed(url, hosts)) return world.fetch(url.href, { ...sent, redirect: 'manual' })
  const name = url.hostname.replace(/^\[|\]$/g, '')
  const addresses = await Promise.race([world.addressesOf(name), whenAborted(sent.signal)])
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
    ...sent,
    headers: { ...sent.headers, host: url.host },
    redirect: 'manual',
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
