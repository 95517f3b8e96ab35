/** The two engines that tests run on, and an empty database on one of them. */
import { mkdtempSync, rmSync } from 'node:fs'
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

/** The address of an empty database. */
export async function emptyDatabase(engine: EngineName): Promise<{ address: string; drop: () => Promise<void> }> {
  if (engine === 'sqlite') {
    const folder = mkdtempSync(join(tmpdir(), 'keyhall-test-'))
    return {
      address: `sqlite:${join(folder, 'test.db')}`,
      drop: async () => rmSync(folder, { recursive: true, force: true }),
    }
  }
  const { url } = await sharedPostgres()
  const name = `keyhall_${crypto.randomUUID().replaceAll('-', '')}`
  const admin = new Bun.SQL(url, { max: 1 })
  await admin.unsafe(`create database ${name}`)
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
