/** A database of each engine with all tables and no rows, of which tests get copies. */
import { join } from 'node:path'
import { openDatabase } from '../database/open.ts'

const NAME = 'keyhall_template'

/** The variables by which the test processes find them. */
export async function makeTemplates(folder: string, postgres: string) {
  const file = join(folder, 'template.db')
  const address = new URL(postgres)
  address.pathname = `/${NAME}`
  const admin = new Bun.SQL(postgres, { max: 1 })
  // A server that TEST_POSTGRES_URL names may have one, of another version.
  await admin.unsafe(`drop database if exists ${NAME} with (force)`)
  await admin.unsafe(`create database ${NAME}`)
  await admin.close()
  for (const one of [`sqlite:${file}`, address.href]) await (await openDatabase(one)).close()
  return { TEST_SQLITE_TEMPLATE: file, TEST_POSTGRES_TEMPLATE: NAME }
}
