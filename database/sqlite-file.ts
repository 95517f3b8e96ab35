/** The three connections to a SQLite file. */
import { Database as Sqlite } from 'bun:sqlite'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import type { World } from '../world/world.ts'
import { isBusy } from './sqlite-faults.ts'

const BUSY_MILLISECONDS = 5_000

export interface Connections {
  reader: Sqlite
  writer: Sqlite
  /** For changes that need not survive a power cut: its commits do not wait for the disk. */
  unsynced: Sqlite
}

export function openFile(path: string, world: World): Connections {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  // SQLite would make a file that everybody on the machine may read. The files that it makes beside
  // it have the mode of this one.
  closeSync(openSync(path, 'a', 0o600))
  const writer = connect(path, world)
  const reader = connect(path, world)
  const unsynced = connect(path, world)
  reader.run('pragma query_only = on')
  // The next synced commit syncs these commits with its own. Copying the log into the file needs a
  // sync, so that is left to the writer.
  unsynced.run('pragma synchronous = normal')
  unsynced.run('pragma wal_autocheckpoint = 0')
  // SQLite itself would wait for another process with the whole server standing still;
  // `SqliteChanges` waits instead.
  for (const connection of [writer, unsynced]) connection.run('pragma busy_timeout = 0')
  return { reader, writer, unsynced }
}

function connect(path: string, world: World) {
  const connection = new Sqlite(path, { create: true, readwrite: true, strict: true })
  connection.run(`pragma busy_timeout = ${BUSY_MILLISECONDS}`)
  turnOnWriteAheadLog(connection, world)
  connection.run('pragma synchronous = full')
  connection.run('pragma foreign_keys = on')
  connection.run('pragma trusted_schema = off')
  return connection
}

/**
 * Of processes that turn on the write-ahead log of a new file at the same moment, SQLite refuses
 * all but one at once instead of letting them wait, because each holds a lock that another needs.
 * So they ask again.
 */
function turnOnWriteAheadLog(connection: Sqlite, { steady, chance }: World) {
  for (const until = steady() + BUSY_MILLISECONDS; ; Bun.sleepSync(5 + chance() * 20)) {
    try {
      connection.run('pragma journal_mode = wal')
      return
    } catch (error) {
      if (!isBusy(error) || steady() > until) throw error
    }
  }
}
