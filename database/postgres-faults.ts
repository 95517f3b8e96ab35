/** Which fault of storage an error of PostgreSQL, or of the connection to it, is. */
import { isFault, StorageError } from './storage-errors.ts'

/** No answer came in time. */
export class NoAnswer extends Error {
  readonly code = 'ERR_POSTGRES_NO_ANSWER'
}

/** The StorageError for an error of Bun's client; any other error as it is. */
export function translate(error: unknown): unknown {
  if (error instanceof NoAnswer) return new StorageError('unreachable', error)
  const { code, errno } = error as { code?: string; errno?: string }
  if (!code?.startsWith('ERR_POSTGRES')) return error
  // Without an SQLSTATE the connection failed, not the statement.
  if (errno === undefined) return new StorageError('unreachable', error)
  const fault = faults.find(([states]) => states.test(errno))?.[1]
  return fault ? new StorageError(fault, error) : error
}

/** By SQLSTATE. */
const faults = [
  [/^23505$/, 'duplicate'],
  // Serialization failure, deadlock.
  [/^(40001|40P01)$/, 'undone'],
  [/^53100$/, 'full'],
  [/^25006$/, 'unwritable'],
  // A statement that ran into its time limit, because others held what it needs.
  [/^57014$/, 'busy'],
  // Connection errors, a server that shuts down or has no room, a change whose next statement did
  // not come in time.
  [/^(08|57P|53|25P03)/, 'unreachable'],
] as const

/** Whether nobody knows what became of the statement. */
export const isLost = (error: unknown) => isFault(error, 'unreachable')

/**
 * Whether PostgreSQL does not have a named statement that it was given, or has another one of that
 * name: then this connection is shared with other clients.
 */
export const isSharedConnection = (error: unknown) => /^(42P05|26000)$/.test((error as { errno?: string }).errno ?? '')
