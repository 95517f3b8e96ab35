/**
 * A database that is only looked at, whatever is in it: nothing is written, no migration is run,
 * and no lock is taken that a server would wait for.
 */
import { constants, Database as Sqlite } from 'bun:sqlite'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseAddress } from './postgres-address.ts'
import { openClient } from './postgres-client.ts'
import { sqlitePath } from './sqlite-address.ts'
import { CannotOpen } from './storage-errors.ts'

export interface ReadOnlyDatabase {
  engine: 'sqlite' | 'postgres'
  ask: (statement: string) => Promise<Record<string, unknown>[]>
  close: () => Promise<void>
}

/** Throws CannotOpen with a sentence. */
export function openForReading(address: string): Promise<ReadOnlyDatabase> {
  const path = sqlitePath(address)
  return path === null ? openPostgres(address) : openSqlite(path)
}

async function openSqlite(path: string): Promise<ReadOnlyDatabase> {
  try {
    const database = openFile(path)
    // A file that is no database is noticed here.
    database.query('select 1 from sqlite_schema limit 1').get()
    return {
      engine: 'sqlite',
      ask: async (statement) => database.query<Record<string, unknown>, []>(statement).all(),
      close: async () => database.close(),
    }
  } catch (error) {
    throw new CannotOpen(`The SQLite database ${path} cannot be read: ${(error as Error).message}.`)
  }
}

/**
 * SQLite would make a write-ahead log beside a file that has none, and leave it there. Without one
 * no server has the file open, so that it can be read as one that does not change.
 */
function openFile(path: string): Sqlite {
  const isAtRest = !existsSync(`${path}-wal`)
  const name = isAtRest ? `${pathToFileURL(resolve(path)).href}?immutable=1` : path
  const uri = isAtRest ? constants.SQLITE_OPEN_URI : 0
  return new Sqlite(name, constants.SQLITE_OPEN_READONLY | uri)
}

async function openPostgres(address: string): Promise<ReadOnlyDatabase> {
  const { where, ...how } = parseAddress(address)
  const client = openClient({ ...how, prepare: false }, 1)
  try {
    await client.unsafe('select 1')
  } catch (error) {
    await client.close({ timeout: 0 })
    throw new CannotOpen(`The PostgreSQL server at ${where} cannot be reached: ${(error as Error).message}.`)
  }
  return {
    engine: 'postgres',
    ask: async (statement) => [...(await client.unsafe(statement))] as Record<string, unknown>[],
    close: () => client.close({ timeout: 0 }),
  }
}

/** What SQLite finds wrong with the first damaged page; null for a sound file. */
export async function firstDamage({ ask }: ReadOnlyDatabase): Promise<string | null> {
  const [row] = await ask('pragma quick_check(1)')
  const said = String(row?.quick_check)
  return said === 'ok' ? null : said
}
