/** The IP address of the caller, for the audit log and the request log. */
import { isIP } from 'node:net'

/**
 * The address of the client. `hops` trusted proxies stand in front, and each has appended the
 * address of its caller to `X-Forwarded-For`, so the entry of the outermost one counts. If that
 * entry is no IP address, no proxy wrote it, and the address of the socket counts.
 */
export function clientAddress(forwardedFor: string | null, hops: number, socket: string | null): string | null {
  if (hops === 0 || forwardedFor === null) return socket
  const entry = forwardedFor.split(',').at(-hops)
  return (entry === undefined ? null : addressIn(entry.trim())) ?? socket
}

/**
 * The IP address in `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or
 * `[2001:db8::1]:80`; null in anything else.
 */
function addressIn(entry: string): string | null {
  const bracketed = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(entry)
  if (bracketed) return isIP(bracketed[1]!) === 6 ? bracketed[1]! : null
  if (isIP(entry)) return entry
  const withPort = /^([^:]+):\d{1,5}$/.exec(entry)
  return withPort && isIP(withPort[1]!) === 4 ? withPort[1]! : null
}

/**
 * Whether an address is of this machine's loopback network, also as an IPv6 socket writes an IPv4
 * one.
 */
export function isLoopback(address: string | null): boolean {
  if (address === null) return false
  const plain = address.replace(/^::ffff:/i, '')
  return plain === '::1' || (isIP(plain) === 4 && plain.startsWith('127.'))
}

/**
 * A proxy on the same machine connects from the loopback address on behalf of anybody; most say so
 * in one of these headers.
 */
export const cameThroughProxy = ({ headers }: Request) =>
  ['x-forwarded-for', 'forwarded', 'via', 'x-real-ip'].some((name) => headers.has(name))
