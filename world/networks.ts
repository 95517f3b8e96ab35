/** Sets of IP addresses as CIDRs, such as `192.0.2.0/24` and `2001:db8::/32`. */
import { isIP } from 'node:net'

/** The bytes of an address, or of the first address of a network, and how many bits count. */
interface Network {
  bytes: Uint8Array
  bits: number
}

/** Asked for each request, so all that can be done before is done in the constructor. */
export class Networks {
  readonly #all: readonly Network[]

  /** In the form of `canonicalNetwork`. */
  constructor(cidrs: readonly string[]) {
    this.#all = cidrs.map((cidr) => parse(cidr)!)
  }

  /** False also where the address is not known. An IPv4 address is the same written as IPv6. */
  has(address: string | null): boolean {
    const bytes = address === null ? null : bytesOf(address)
    return bytes !== null && this.#all.some((network) => isIn(bytes, network))
  }
}

/**
 * The one form of an address or a CIDR: IPv6 in lower case and as short as it gets, IPv4 written as
 * IPv6 as IPv4, no prefix that covers one address only. Throws NotANetwork.
 */
export function canonicalNetwork(text: string): string {
  const network = parse(text)
  if (!network) throw new NotANetwork('is neither an IP address nor a CIDR')
  const first = { ...network, bytes: network.bytes.map((byte, n) => byte & maskOf(network.bits, n)) }
  if (!isIn(network.bytes, { bytes: first.bytes, bits: network.bytes.length * 8 }))
    throw new NotANetwork(`has bits behind its prefix; the network is ${written(first)}`)
  return written(network)
}

/**
 * Where a client calls from, as a name to count by: an IPv4 address, and of IPv6 the network of 64
 * bits, in which one computer has as many addresses as it likes.
 */
export function placeOf(address: string | null): string {
  const bytes = bytesOf(address?.split('%')[0] ?? '')
  if (!bytes) return address ?? ''
  return bytes.length === 4 ? written({ bytes, bits: 32 }) : written({ bytes: firstHalf(bytes), bits: 64 })
}

const firstHalf = (bytes: Uint8Array) => bytes.map((byte, n) => (n < 8 ? byte : 0))

/** The message says what is wrong with the text, and goes on behind it. */
export class NotANetwork extends Error {}

function parse(text: string): Network | null {
  const [address = '', prefix, ...more] = text.split('/')
  const bytes = bytesOf(address)
  if (!bytes || more.length > 0 || (prefix !== undefined && !/^(0|[1-9]\d{0,2})$/.test(prefix))) return null
  // An IPv4 address that is written as IPv6 has its own bits behind 96 others.
  const before = bytes.length === 4 && address.includes(':') ? 96 : 0
  const bits = prefix === undefined ? bytes.length * 8 : Number(prefix) - before
  return bits < 0 || bits > bytes.length * 8 ? null : { bytes, bits }
}

/** Four or sixteen bytes; null for what is no IP address, or has a zone. */
function bytesOf(address: string): Uint8Array | null {
  const family = isIP(address)
  if (family === 4) return Uint8Array.from(address.split('.'), Number)
  if (family !== 6 || address.includes('%')) return null
  const [head = '', tail] = address.split('::')
  const [before, behind] = [groupsOf(head), tail === undefined ? [] : groupsOf(tail)]
  const zeros = Array.from({ length: 8 - before.length - behind.length }, () => 0)
  const groups = [...before, ...zeros, ...behind]
  const bytes = Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]))
  return groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff ? bytes.slice(12) : bytes
}

const groupsOf = (part: string): number[] =>
  part === ''
    ? []
    : part.split(':').flatMap((group) => {
        if (!group.includes('.')) return [Number.parseInt(group, 16)]
        const [a, b, c, d] = group.split('.').map(Number) as [number, number, number, number]
        return [(a << 8) | b, (c << 8) | d]
      })

function isIn(address: Uint8Array, { bytes, bits }: Network): boolean {
  if (address.length !== bytes.length) return false
  for (let n = 0; n * 8 < bits; n++) if (((address[n]! ^ bytes[n]!) & maskOf(bits, n)) !== 0) return false
  return true
}

/** Of the nth byte, the bits that a prefix of this length has. */
const maskOf = (bits: number, n: number) => (0xff << (8 - Math.min(8, Math.max(0, bits - n * 8)))) & 0xff

function written({ bytes, bits }: Network): string {
  const address = bytes.length === 4 ? bytes.join('.') : shortest(bytes)
  return bits === bytes.length * 8 ? address : `${address}/${bits}`
}

/** As browsers write it (RFC 5952). */
function shortest(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, n) => ((bytes[2 * n]! << 8) | bytes[2 * n + 1]!).toString(16))
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1)
}
