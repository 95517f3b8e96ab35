/**
 * `keyhall restore FILE`: replaces the database by a backup, and keeps the old one under another
 * name.
 */
import { copyFileSync, constants, chmodSync, existsSync, renameSync, rmSync } from 'node:fs'
import { withoutPassword } from '../database/postgres-address.ts'
import { sqlitePath } from '../database/sqlite-address.ts'
import { damageOf, hasTable, InUse, makeSingleFile, sync } from '../database/sqlite-backup.ts'
import { Failed, type ExitCode } from '../world/failed.ts'
import type { Terminal } from '../world/terminal.ts'
import type { Config } from './config.ts'
import { describe, inspect } from './back-up.ts'
import { openHost } from './open-storage.ts'
import { sentenceOf } from './verify-audit.ts'

type Storage = Pick<Config, 'database' | 'pepper' | 'pepper_file'>

export async function restore(config: Storage, file: string, { out, err, now }: Terminal): Promise<ExitCode> {
  const path = sqlitePath(config.database)
  if (path === null)
    throw new Failed(
      `A PostgreSQL database is restored with PostgreSQL's own tools: "pg_restore --clean --if-exists --dbname=${withoutPassword(config.database)} ${file}" while no server runs; the guide docs/guides/backup.md has the rest.`,
    )
  if (!existsSync(file)) throw new Failed(`There is no file ${file}.`)
  const draft = `${path}.restoring`
  if (existsSync(draft))
    throw new Failed(`${draft} is there already: another restore runs, or one was interrupted; remove it.`)
  try {
    try {
      copyFileSync(file, draft, constants.COPYFILE_EXCL)
      chmodSync(draft, 0o600)
    } catch (error) {
      throw new Failed(`${file} cannot be copied to ${draft}: ${(error as Error).message}.`)
    }
    const damage = damageOf(draft)
    if (damage) throw new Failed(`${file} is no sound database, and nothing was restored: ${damage}.`)
    const draftConfig = { ...config, database: `sqlite:${draft}` }
    if (!hasTable(draft, 'audit_heads'))
      throw new Failed(`${file} is no database of Keyhall, and nothing was restored.`)
    // Brings the copy up to date, if an older version wrote it.
    const { database } = await openHost(draftConfig, { newOrganization: true })
    // Who was signed in then may have signed out since, or lost a role.
    await database.write(async (sql) => {
      await sql.deleteFrom('sessions').execute()
      await sql.deleteFrom('sign_in_links').execute()
    })
    await database.close()
    const { contents, broken } = await inspect(draftConfig)
    if (contents.changes === 0) throw new Failed(`${file} holds no organization, and nothing was restored.`)
    makeSingleFile(draft)
    const aside = setAside(path, now())
    renameSync(draft, path)
    sync(path)
    out(`${path} is now the backup ${file}, ${describe(contents)}.\n`)
    if (aside) out(`The database that was there is kept as ${aside}.\n`)
    out(
      'Keys that were revoked since the backup are revoked again when the server starts, if the revocations file is there.\n',
    )
    if (!broken) return 0
    err(`keyhall: The backup was restored, but ${sentenceOf(broken).replace(/^T/, 't')}\n`)
    return 1
  } finally {
    for (const end of ['', '-wal', '-shm']) rmSync(draft + end, { force: true })
  }
}

/**
 * Renames the database that is there, if nobody uses it. Returns its new name, null if there was
 * none.
 */
function setAside(path: string, now: number): string | null {
  if (!existsSync(path)) return null
  const aside = `${path}.before-restore-${new Date(now).toISOString().replaceAll(':', '-')}`
  try {
    makeSingleFile(path)
  } catch (error) {
    if (error instanceof InUse)
      throw new Failed(`A server uses ${path}; stop it, and whatever else has the database open, and restore then.`)
    // A damaged database cannot be opened: it is kept as it is, with the files that belong to it.
  }
  for (const end of ['', '-wal', '-shm']) if (existsSync(path + end)) renameSync(path + end, aside + end)
  return aside
}
