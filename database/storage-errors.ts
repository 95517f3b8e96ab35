/** What storage throws. None of it knows HTTP: `http/wire-error.ts` says what a caller reads. */

export type StorageFault =
  /** No answer, or the connection was lost. Nothing was changed. */
  | 'unreachable'
  /** Others held what the statement needs for too long. */
  | 'busy'
  /** The disk is full. */
  | 'full'
  /** The database is read-only. */
  | 'unwritable'
  /** Input and output fail, or the file is damaged. */
  | 'damaged'
  /** A row with this key exists already. */
  | 'duplicate'
  /**
   * The engine rolled back the change so that another could go on. `Database.write` runs it again,
   * so code inside a change must not catch this.
   */
  | 'undone'
  /** The connection was lost during COMMIT, and nobody can say whether the change was made. */
  | 'unknown outcome'
  /** This process is shutting down. */
  | 'stopping'

export class StorageError extends Error {
  readonly fault: StorageFault

  constructor(fault: StorageFault, cause?: unknown) {
    super(`Storage: ${fault}.`, { cause })
    this.name = 'StorageError'
    this.fault = fault
  }
}

export const isFault = (error: unknown, fault: StorageFault): error is StorageError =>
  error instanceof StorageError && error.fault === fault

/** A cursor that the list never had. */
export class UnknownCursor extends Error {
  readonly cursor: string
  readonly param: 'after' | 'before'

  constructor(cursor: string, param: 'after' | 'before') {
    super(`The list never had the cursor ${cursor}.`)
    this.cursor = cursor
    this.param = param
  }
}

/** A wrong address, an unreachable server, a newer schema: a sentence for the operator. */
export class CannotOpen extends Error {}
