/** The two engines that tests run on, and a database of a test's own on one of them. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres, type Postgres } from './postgres.ts'

export const engines = ['sqlite', 'postgres'] as const
export type EngineName = (typeof engines)[number]

let postgres: Promise<Pick<Postgres, 'url'>> | undefined

/**
 * The PostgreSQL in which each test gets a database of its own. `npm test` starts one for all test
 * files; without it (`bun test` called by hand) each test process starts one.
 */
const sharedPostgres = () => {
  const url = process.env.TEST_SHARED_POSTGRES_URL
  return (postgres ??= url ? Promise.resolve({ url }) : startPostgres())
}

/** A database of a test's own. */
export interface OwnDatabase {
  address: string
  drop: () => Promise<void>
}

/** The address of an empty database. */
export const emptyDatabase = (engine: EngineName): Promise<OwnDatabase> => newDatabase(engine, null)

/**
 * The same with the tables of this version, which `npm test` has made once: a copy of them costs
 * a tenth of what making them again does.
 */
export const migratedDatabase = (engine: EngineName): Promise<OwnDatabase> =>
  newDatabase(engine, process.env[engine === 'sqlite' ? 'TEST_SQLITE_TEMPLATE' : 'TEST_POSTGRES_TEMPLATE'] ?? null)

async function newDatabase(engine: EngineName, template: string | null): Promise<OwnDatabase> {
  if (engine === 'sqlite') {
    const folder = mkdtempSync(join(tmpdir(), 'keyhall-test-'))
    const path = join(folder, 'test.db')
    if (template !== null) copyFileSync(template, path)
    return { address: `sqlite:${path}`, drop: async () => rmSync(folder, { recursive: true, force: true }) }
  }
  const { url } = await sharedPostgres()
  const name = `keyhall_${crypto.randomUUID().replaceAll('-', '')}`
  const admin = new Bun.SQL(url, { max: 1 })
  await admin.unsafe(`create database ${name}${template === null ? '' : ` template ${template} strategy file_copy`}`)
  const address = new URL(url)
  address.pathname = `/${name}`
  return {
    address: address.href,
    drop: async () => {
      await admin.unsafe(`drop database if exists ${name} with (force)`)
      await admin.close()
    },
  }
}
