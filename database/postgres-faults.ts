/** Which fault of storage an error of PostgreSQL, or of the connection to it, is. */
import { isFault, StorageError } from './storage-errors.ts'

/** No answer came in time. */
export class NoAnswer extends Error {
  readonly code = 'ERR_POSTGRES_NO_ANSWER'
}

/**
 * PostgreSQL has no connection left for us. It says what to do, and where it happened is no help.
 */
export class TooManyConnections extends Error {
  constructor(said: string) {
    super(
      `PostgreSQL takes no more connections (${said}): let each server open fewer with KEYHALL_DATABASE_CONNECTIONS, or raise max_connections, or the limit of the role or database.`,
    )
    this.stack = this.message
  }
}

/** The sentence about it, where that is why something failed; null where it is not. */
export function tooManyConnections(error: unknown): string | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const reason = translate(cause)
    if (reason instanceof TooManyConnections) return reason.message
    if (reason !== cause && reason instanceof StorageError && reason.cause instanceof TooManyConnections)
      return reason.cause.message
  }
  return null
}

export const isFull = (error: unknown) => (error as { errno?: string } | null)?.errno === '53300'

/** The StorageError for an error of Bun's client; any other error as it is. */
export function translate(error: unknown): unknown {
  if (error instanceof NoAnswer) return new StorageError('unreachable', error)
  const { code, errno } = error as { code?: string; errno?: string }
  if (!code?.startsWith('ERR_POSTGRES')) return error
  // Without an SQLSTATE the connection failed, not the statement.
  if (errno === undefined) return new StorageError('unreachable', error)
  if (isFull(error)) return new StorageError('unreachable', new TooManyConnections((error as Error).message))
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
  // A statement that ran into its time limit, or that of waiting for a lock, because others held
  // what it needs.
  [/^(57014|55P03)$/, 'busy'],
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

/**
 * Whether another version has added columns to a table since the statement was prepared, as
 * migrations do while servers run. PostgreSQL refuses it from then on.
 */
export const isOutdatedStatement = (error: unknown) => {
  const { errno, message } = error as { errno?: string; message?: string }
  return errno === '0A000' && message?.includes('cached plan') === true
}
