/** Which origins pages of this server have: where a session may be begun and used. */
import type { OriginsOf } from '../http/own-pages.ts'

interface Where {
  /** What the operator set. */
  public_url: string | null
  /** How many trusted proxies stand in front. */
  trusted_proxies: number
  /** Whether this server speaks TLS itself. */
  hasTls: boolean
}

/**
 * The public address, if it has https; and what the Host header names, if the connection has TLS, a
 * trusted proxy says that it has, or the host is this machine. The Host header of a browser is the
 * host of the page's address, and that of a page of others never is one of these: a name that
 * somebody makes point to this machine is not called localhost.
 */
export const pageOrigins = ({ public_url, trusted_proxies, hasTls }: Where): OriginsOf => {
  const known = public_url === null ? [] : [new URL(public_url).origin].filter(isSafe)
  return ({ headers }) => {
    const ownHost = headers.get('host')
    const forwarded = trusted_proxies > 0 ? lastOf(headers.get('x-forwarded-host'), trusted_proxies) : null
    const isSecure =
      hasTls || (trusted_proxies > 0 && lastOf(headers.get('x-forwarded-proto'), trusted_proxies) === 'https')
    const found = [forwarded, ownHost].flatMap((host) => (host ? (originOf(isSecure, host) ?? []) : []))
    return [...new Set([...known, ...found.filter(isSafe)])]
  }
}

/**
 * The entry that the outermost trusted proxy wrote. Where there are fewer, a proxy replaces the
 * header instead of adding to it.
 */
function lastOf(header: string | null, proxies: number): string | null {
  const entries = header?.split(',').map((one) => one.trim()) ?? []
  return entries.at(-proxies) ?? entries[0] ?? null
}

const originOf = (isSecure: boolean, host: string): string | null =>
  /^[\w.:[\]-]+$/.test(host) ? (URL.parse(`${isSecure ? 'https' : 'http'}://${host}`)?.origin ?? null) : null

const isSafe = (origin: string): boolean => {
  const { protocol, hostname } = new URL(origin)
  return (
    protocol === 'https:' || hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)
  )
}
