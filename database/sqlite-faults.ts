/** Which fault of storage an error of SQLite is. */
import { SQLiteError } from 'bun:sqlite'
import { StorageError } from './storage-errors.ts'

export class SqliteFaults {
  readonly #onFatal: ((error: Error) => void) | undefined

  constructor(onFatal: ((error: Error) => void) | undefined) {
    this.#onFatal = onFatal
  }

  /**
   * The StorageError for an error of SQLite; any other error as it is. Reports an error after which
   * the server must not go on.
   */
  translate(error: unknown): unknown {
    if (!(error instanceof SQLiteError)) return error
    const code = error.code ?? ''
    if (/^SQLITE_CONSTRAINT_(UNIQUE|PRIMARYKEY)/.test(code)) return new StorageError('duplicate', error)
    if (/^SQLITE_(IOERR|CORRUPT|NOTADB)/.test(code)) {
      this.#onFatal?.(error)
      return new StorageError('damaged', error)
    }
    if (code === 'SQLITE_FULL') return new StorageError('full', error)
    if (/^SQLITE_(READONLY|CANTOPEN)/.test(code)) return new StorageError('unwritable', error)
    if (isBusy(error)) return new StorageError('busy', error)
    return error
  }
}

export const isBusy = (error: unknown) => error instanceof SQLiteError && /^SQLITE_(BUSY|LOCKED)/.test(error.code ?? '')
