/**
 * Copies of a SQLite database as one file, made while servers use it; and whether anybody uses one.
 */
import { Database as Sqlite, SQLiteError } from 'bun:sqlite'
import { closeSync, fsyncSync, openSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Writes a copy of a consistent state to a new file that only its owner may read. The file must not
 * be there yet. Servers go on reading and writing meanwhile. Throws what SQLite or the file system
 * says.
 */
export function copyDatabase(path: string, target: string) {
  // SQLite would make a file that everybody may read. It uses an empty file that is there already.
  closeSync(openSync(target, 'wx', 0o600))
  const source = new Sqlite(path, { readwrite: true, create: false, strict: true })
  try {
    source.run('pragma busy_timeout = 5000')
    source.run('vacuum into ?', [target])
  } finally {
    source.close()
  }
}

/** What SQLite finds wrong with a file; null for a sound database. */
export function damageOf(path: string): string | null {
  let database: Sqlite | undefined
  try {
    database = new Sqlite(path, { readonly: true, strict: true })
    const rows = database.query<{ integrity_check: string }, []>('pragma integrity_check').all()
    const found = rows.map((row) => row.integrity_check).join('; ')
    return found === 'ok' ? null : found
  } catch (error) {
    return (error as Error).message
  } finally {
    database?.close()
  }
}

export function hasTable(path: string, name: string): boolean {
  const database = new Sqlite(path, { readonly: true, strict: true })
  try {
    return database.query('select 1 from sqlite_schema where type = ? and name = ?').get('table', name) !== null
  } finally {
    database.close()
  }
}

/**
 * Puts everything into the database file itself, so that no other file belongs to it any more, and
 * syncs it. Throws InUse when another connection is open, also one that does nothing at the moment.
 */
export function makeSingleFile(path: string) {
  const database = new Sqlite(path, { readwrite: true, create: false, strict: true })
  try {
    database.run('pragma journal_mode = delete')
  } catch (error) {
    if (error instanceof SQLiteError && /^SQLITE_(BUSY|LOCKED)/.test(error.code ?? '')) throw new InUse()
    throw error
  } finally {
    database.close()
  }
  sync(path)
}

/** Another process has the database open. */
export class InUse extends Error {}

/** Syncs a file and its name in the folder, so that both survive a power cut. */
export function sync(path: string) {
  // Windows cannot open a folder, and keeps names without this.
  for (const one of process.platform === 'win32' ? [path] : [path, dirname(path)]) {
    const opened = openSync(one, one === path ? 'r+' : 'r')
    fsyncSync(opened)
    closeSync(opened)
  }
}
