/** The address of a PostgreSQL database, `postgres://user:password@host:5432/database`. */
import { CannotOpen } from './storage-errors.ts'

/**
 * Takes `prepare=false` out of the address: it is for us, and PostgreSQL would refuse it. Throws
 * CannotOpen.
 */
export function parseAddress(address: string): { url: string; prepare: boolean } {
  const url = URL.parse(address)
  if (!url)
    throw new CannotOpen(
      'The PostgreSQL address is not a URL of the form "postgres://user:password@host:5432/database".',
    )
  const value = url.searchParams.get('prepare')
  if (value === null) return { url: address, prepare: true }
  if (value !== 'true' && value !== 'false')
    throw new CannotOpen(`In the PostgreSQL address, "prepare" is "${value}"; it can be "true" or "false".`)
  url.searchParams.delete('prepare')
  return { url: url.href, prepare: value === 'true' }
}

/** The address without its user and password, for messages. */
export function shownAddress(address: string): string {
  const { hostname, port, pathname } = new URL(address)
  return `${hostname}:${port || 5432}${pathname}`
}
