/**
 * An idle SQLite database lies in its file as a whole: a plain copy of the file alone, without its
 * log, has everything.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { Database as Sqlite } from 'bun:sqlite'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { openDatabase } from '../../database/open.ts'
import { folder } from '../cli/command.ts'
import { newProject } from '../made.ts'
import { START_MILLISECONDS, startServer, type TestServer } from '../setup.ts'

const home = folder()
let server: TestServer
beforeAll(async () => {
  server = await startServer('sqlite')
}, START_MILLISECONDS)
afterAll(async () => {
  await server.stop()
  home.remove()
})

/** What a copy of the file alone has in a table. */
function copied(address: string, query: string): unknown[] {
  const copy = join(home.path, 'copy.db')
  copyFileSync(address.slice('sqlite:'.length), copy)
  const opened = new Sqlite(copy)
  try {
    return opened.query(query).values().flat()
  } catch {
    return []
  } finally {
    opened.close()
  }
}

test('soon after the first start, and soon after each change', async () => {
  const projects = () => copied(server.address, 'select name from projects order by name')
  while (projects().length === 0) await Bun.sleep(50)
  await newProject(server, { name: 'idle' })
  while (!projects().includes('idle')) await Bun.sleep(50)
  expect(projects()).toContain('idle')
}, 20_000)

test('when a process ends, though another still has the file open', async () => {
  const database = await openDatabase(server.address)
  const row = { organization_id: server.organization_id, list_id: 'list', id: 'last words', created_at: 1 }
  await database.write((sql) => sql.insertInto('left_memberships').values(row).execute())
  expect(copied(server.address, 'select id from left_memberships')).not.toContain('last words')
  await database.close()
  expect(copied(server.address, 'select id from left_memberships')).toContain('last words')
})
