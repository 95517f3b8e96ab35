/**
 * The address of a PostgreSQL database, `postgres://user:password@host:5432/database`, with
 * `sslmode` and `sslrootcert` as libpq has them, and the folder of a Unix socket as `host`.
 */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { CannotOpen } from './storage-errors.ts'

/** How to connect. */
export interface PostgresAddress {
  /** For Bun's client, without what stands below. */
  url: string
  /** The certificates of the authorities that may vouch for the server. */
  tls?: { ca: string }
  /** Of a Unix socket. */
  path?: string
  /** False where the address says that named statements are not to be used. */
  prepare: boolean
  /** Without user and password, for messages. */
  where: string
}

const modes = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full']

/** Throws CannotOpen. */
export function parseAddress(address: string): PostgresAddress {
  const url = postgresUrl(address)
  if (!url)
    throw new CannotOpen(
      'The PostgreSQL address is not a URL of the form "postgres://user:password@host:5432/database".',
    )
  const prepare = take(url, 'prepare', ['true', 'false']) !== 'false'
  const mode = take(url, 'sslmode', modes) ?? 'disable'
  const root = take(url, 'sslrootcert')
  const folder = take(url, 'host') ?? decodeURIComponent(url.hostname)
  const port = take(url, 'port') ?? (url.port || '5432')
  if (folder.startsWith('/')) {
    url.hostname = 'localhost'
    const path = `${folder.replace(/\/+$/, '')}/.s.PGSQL.${port}`
    return { url: url.href, path, prepare, where: `${path}${url.pathname}` }
  }
  url.hostname = folder
  url.port = port
  const where = `${url.hostname}:${port}${url.pathname}`
  if (root !== null && !/^(require|verify)/.test(mode))
    throw new CannotOpen(
      'In the PostgreSQL address, "sslrootcert" needs "sslmode" to be require, verify-ca or verify-full; without it no certificate is looked at.',
    )
  if (mode === 'disable') return { url: url.href, prepare, where }
  const hasRoot = root !== null && root !== 'system'
  // As in libpq: whoever names an authority wants it to be asked.
  url.searchParams.set('sslmode', hasRoot && mode === 'require' ? 'verify-ca' : mode)
  return { url: url.href, ...(hasRoot && { tls: { ca: readAuthorities(root) } }), prepare, where }
}

/**
 * Null where it is none. A URL with a user must have a host, which libpq leaves out for a socket.
 */
export const postgresUrl = (address: string) =>
  URL.parse(address.replace(/^(postgres(?:ql)?:\/\/[^/?#@]*@?)(?=\/)/, '$1localhost'))

/** The address of a database without its passwords, for messages. */
export function withoutPassword(address: string): string {
  if (!/^postgres(ql)?:/.test(address)) return address
  const url = postgresUrl(address)
  // An "@" behind the host is rather one behind a password with a "/", "?" or "#" in it.
  if (!url || `${url.pathname}${url.search}${url.hash}`.includes('@')) return 'postgres://…'
  const members = url.search.slice(1).split('&')
  url.password = ''
  url.search = members.map((one) => (isPassword(one) ? one.replace(/=.*/, '=***') : one)).join('&')
  return url.href
}

/** `password=…` or `sslpassword=…`, however it is encoded. */
const isPassword = (member: string) => [...new URLSearchParams(member).keys()].some((name) => /pass/i.test(name))

/** A member of the query that is for us: PostgreSQL would refuse it. */
function take(url: URL, name: string, values?: readonly string[]): string | null {
  const value = url.searchParams.get(name)
  url.searchParams.delete(name)
  if (value === null || !values || values.includes(value)) return value
  const all = values.map((one) => `"${one}"`)
  throw new CannotOpen(
    `In the PostgreSQL address, "${name}" is "${value}"; it can be ${all.slice(0, -1).join(', ')} or ${all.at(-1)}.`,
  )
}

function readAuthorities(path: string): string {
  try {
    const text = readFileSync(path, 'utf8')
    void new X509Certificate(text)
    return text
  } catch (error) {
    throw new CannotOpen(
      `The file ${path}, which "sslrootcert" of the PostgreSQL address names, cannot be read as a certificate: ${(error as Error).message}.`,
    )
  }
}
