/**
 * `keyhall backup FILE`: copies the whole database to one file while servers use it, and checks the
 * copy.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, linkSync, renameSync, rmSync, statSync } from 'node:fs'
import { verifyChain } from '../admin/verify-chain.ts'
import { withoutPassword } from '../database/postgres-address.ts'
import { sqlitePath } from '../database/sqlite-address.ts'
import { copyDatabase, damageOf, makeSingleFile, sync } from '../database/sqlite-backup.ts'
import type { Database } from '../database/types.ts'
import { Failed, type ExitCode } from '../world/failed.ts'
import type { Terminal } from '../world/terminal.ts'
import type { Config } from './config.ts'
import { openStartedWithPepper } from './open-storage.ts'
import { sentenceOf } from './verify-audit.ts'

type Storage = Pick<Config, 'database' | 'pepper' | 'pepper_file'>

/** `force` replaces a file that is there. */
export async function backUp(
  config: Storage,
  file: string,
  { force }: { force: boolean },
  { out, err }: Terminal,
): Promise<ExitCode> {
  const path = sqlitePath(config.database)
  if (path === null)
    throw new Failed(
      `A PostgreSQL database is backed up with PostgreSQL's own tools: "pg_dump --format=custom --file=${file} ${withoutPassword(config.database)}"; the guide docs/guides/backup.md has the rest.`,
    )
  if (!force && existsSync(file))
    throw new Failed(`${file} is there already; choose another name, or replace it with --force.`)
  const { database } = await openStartedWithPepper(config)
  const draft = `${file}.${randomBytes(4).toString('hex')}.partial`
  try {
    const before = await contentsOf(database)
    try {
      copyDatabase(path, draft)
    } catch (error) {
      throw new Failed(`The backup ${file} cannot be written: ${(error as Error).message}.`)
    }
    const after = await contentsOf(database)
    const damage = damageOf(draft)
    if (damage) throw new Failed(`The backup is damaged and was not kept: ${damage}.`)
    const { contents, broken } = await inspect({ ...config, database: `sqlite:${draft}` })
    if (!isBetween(before, contents, after))
      throw new Failed('The backup lacks something that the database has, and was not kept; please report this.')
    makeSingleFile(draft)
    keep(draft, file, force)
    const { size } = statSync(file)
    out(`${file}: ${(size / 2 ** 20).toFixed(1)} MiB, ${describe(contents)}.\n`)
    if (!broken) return 0
    err(`keyhall: The backup is what the database holds, but ${sentenceOf(broken).replace(/^T/, 't')}\n`)
    return 1
  } finally {
    await database.close()
    for (const end of ['', '-wal', '-shm']) rmSync(draft + end, { force: true })
  }
}

interface Contents {
  /** The sum of the newest `seq` of all audit logs: it grows with each change. */
  changes: number
  /** When the newest change was made, in Unix seconds; null without any. */
  newest_at: number | null
  keys: number
  admin_keys: number
}

/**
 * Counts what a database holds, deleted keys included. None of the numbers ever becomes smaller.
 */
async function contentsOf({ read }: Pick<Database, 'read'>): Promise<Contents> {
  const count = async (table: 'api_keys' | 'admin_api_keys') =>
    Number(
      (
        await read
          .selectFrom(table)
          .select(({ fn }) => fn.countAll().as('n'))
          .executeTakeFirstOrThrow()
      ).n,
    )
  const { changes } = await read
    .selectFrom('audit_heads')
    .select(({ fn }) => fn.sum<string | number | null>('seq').as('changes'))
    .executeTakeFirstOrThrow()
  const { newest_at } = await read
    .selectFrom('audit_logs')
    .select(({ fn }) => fn.max('effective_at').as('newest_at'))
    .executeTakeFirstOrThrow()
  return {
    changes: Number(changes ?? 0),
    newest_at,
    keys: await count('api_keys'),
    admin_keys: await count('admin_api_keys'),
  }
}

export const describe = ({ changes, newest_at, keys, admin_keys }: Contents) =>
  `with ${changes} changes, the newest of ${newest_at === null ? 'never' : new Date(newest_at * 1000).toISOString()}, ${keys} project keys and ${admin_keys} admin keys`

const isBetween = (before: Contents, copy: Contents, after: Contents) =>
  (['changes', 'keys', 'admin_keys'] as const).every((one) => before[one] <= copy[one] && copy[one] <= after[one])

/**
 * What a copy holds, and what is wrong with its audit log. The pepper must be the one of its keys.
 */
export async function inspect(config: Storage) {
  const { database, peppers } = await openStartedWithPepper(config)
  try {
    const { broken } = await verifyChain(database.read, peppers)
    return { contents: await contentsOf(database), broken }
  } finally {
    await database.close()
  }
}

/** Renames the draft. It replaces a file only with `force`. */
function keep(draft: string, file: string, force: boolean) {
  try {
    if (force) renameSync(draft, file)
    else linkSync(draft, file)
  } catch (error) {
    throw new Failed(`The backup ${file} cannot be written: ${(error as Error).message}.`)
  }
  sync(file)
}
