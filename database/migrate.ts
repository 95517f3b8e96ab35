/** Brings the schema of a database up to date: all missing migrations in one transaction. */
import { sql as raw } from 'kysely'
import { realWorld, seconds } from '../world/world.ts'
import { CannotOpen } from './storage-errors.ts'
import { migrations } from './migrations/index.ts'
import { dialects, type Dialect, type Migration } from './migrations/migration.ts'
import type { Database, DatabaseOptions, Engine, RunStatement } from './types.ts'

/** Throws CannotOpen with a sentence; then nothing was changed. */
export async function migrate(engine: Engine, { asItIs = false, world = realWorld, afterMigrations }: DatabaseOptions) {
  await engine.exclusively(async (run) => {
    const { applied, missing } = await readSchema(engine.dialect, run)
    if (asItIs) requireComplete(applied, missing)
    const { text, integer } = engine.dialect
    if (applied.length === 0)
      await run(`create table if not exists migrations (name ${text} primary key, applied_at ${integer} not null)`)
    for (const migration of missing) {
      await apply(migration, engine, run)
      await run(`insert into migrations values ('${migration.name}', ${seconds(world)})`)
    }
    if (missing.length > 0) await writeCompatibleFrom(run)
    if (applied.length > 0 && missing.length > 0)
      await afterMigrations?.({ applied: missing.map(({ name }) => name), run, literal: engine.dialect.bytesLiteral })
  })
}

/**
 * Which migrations of this version an open database lacks, and which it has that this version does
 * not know.
 */
export async function migrationsOf({ read }: Pick<Database, 'read'>) {
  const { rows } = await raw<{ name: string }>`select name from migrations`.execute(read)
  const applied = new Set(rows.map(({ name }) => name))
  const known = new Set(migrations.map(({ name }) => name))
  return { missing: [...known.difference(applied)], unknown: [...applied.difference(known)] }
}

/**
 * How many migrations a database has, and how many of them this version lacks, or it lacks of this
 * version. Changes nothing. Throws CannotOpen where this version cannot start on it.
 */
export async function compareSchema(engine: Database['engine'], run: RunStatement) {
  const { applied, missing } = await readSchema(dialects[engine], run)
  const known = migrations.length - missing.length
  return { applied: applied.length, missing: missing.length, unknown: applied.length - known }
}

async function readSchema(dialect: Dialect, run: RunStatement) {
  const applied = await appliedMigrations(dialect, run)
  const missing = migrations.filter(({ name }) => !applied.includes(name))
  await requireCompatible(applied, missing, run)
  return { applied, missing }
}

async function appliedMigrations({ tables }: Dialect, run: RunStatement): Promise<string[]> {
  const names = async (query: string) => (await run(query)).map((row) => (row as { name: string }).name)
  return (await names(tables)).includes('migrations') ? names('select name from migrations') : []
}

/** The row of `metadata` with the oldest migration that a server must know to start. */
const COMPATIBLE_FROM = 'compatible_from'

/**
 * A database that a newer version has migrated is taken where that version wrote that this one can
 * go on with it. Where this one would have to migrate it as well, neither list is the newer one.
 */
async function requireCompatible(applied: readonly string[], missing: readonly Migration[], run: RunStatement) {
  const isKnown = (name: string) => migrations.some((migration) => migration.name === name)
  const unknown = applied.find((name) => !isKnown(name))
  if (!unknown) return
  const rows = await run(`select value from metadata where name = '${COMPATIBLE_FROM}'`)
  const [from] = rows.map((row) => (row as { value: string }).value)
  if (missing.length === 0 && from && isKnown(from)) return
  throw new CannotOpen(
    `The database was written by a newer Keyhall (it has the migration "${unknown}", which this version does not know); start that version or a later one.`,
  )
}

async function writeCompatibleFrom(run: RunStatement) {
  const from = migrations.findLast(({ isBreaking }) => isBreaking)!.name
  await run(`delete from metadata where name = '${COMPATIBLE_FROM}'`)
  await run(`insert into metadata (name, value) values ('${COMPATIBLE_FROM}', '${from}')`)
}

function requireComplete(applied: readonly string[], missing: readonly Migration[]) {
  if (missing.length === 0) return
  throw new CannotOpen(
    applied.length === 0
      ? 'The database has no organization yet; start the server on it once.'
      : `The database was written by an older Keyhall (it lacks the migration "${missing[0]!.name}"); start the server of this version on it once.`,
  )
}

async function apply({ name, statements }: Migration, engine: Engine, run: RunStatement) {
  for (const statement of statements(engine.dialect)) {
    try {
      await run(statement)
    } catch (error) {
      throw new CannotOpen(
        `The migration "${name}" failed, and the database is as it was before: ${(error as Error).message}, in "${shortened(statement)}". Mend what this names and start again, or go on with the version that ran before.`,
        { cause: error },
      )
    }
  }
}

const shortened = (statement: string) => {
  const line = statement.replace(/\s+/g, ' ').trim()
  return line.length > 80 ? `${line.slice(0, 80)}…` : line
}
