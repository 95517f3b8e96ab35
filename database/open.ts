/** Opens a database by its address, brings its schema up to date, and hides which engine it is. */
import { CannotOpen } from './storage-errors.ts'
import { migrate } from './migrate.ts'
import type { Database, DatabaseOptions, Engine } from './types.ts'

/**
 * Opens `sqlite:PATH` or `postgres://…` and applies the migrations that are missing, if it may.
 * Throws CannotOpen with a sentence.
 */
export async function openDatabase(address: string, options: DatabaseOptions = {}): Promise<Database> {
  const engine = await openEngine(address, options)
  try {
    await migrate(engine, options)
  } catch (error) {
    await engine.close()
    throw error
  }
  return engine
}

async function openEngine(address: string, options: DatabaseOptions): Promise<Engine> {
  if (address.startsWith('sqlite:'))
    return (await import('./sqlite.ts')).openSqlite(address.slice('sqlite:'.length), options)
  if (/^postgres(ql)?:\/\//.test(address)) return (await import('./postgres.ts')).openPostgres(address, options)
  throw new CannotOpen('The database address must begin with "sqlite:" and a path, or with "postgres://".')
}
