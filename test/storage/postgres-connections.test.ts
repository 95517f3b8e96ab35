/** How many connections servers make to PostgreSQL, and what happens when it has no more. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { SQL } from 'bun'
import { sql as raw } from 'kysely'
import { openDatabase } from '../../database/open.ts'
import { folder, run, sentence, serve } from '../cli/command.ts'
import { startPostgres, type Postgres } from '../postgres.ts'

// A PostgreSQL of its own is started, and servers on it.
setDefaultTimeout(120_000)

/** Of the thirty, three are for superusers, and one is ours, by which we look. */
const MOST = 26

let postgres: Postgres
let look: SQL
const home = folder()
const pepper = ['--pepper-file', `${home.path}/pepper`]
beforeAll(async () => {
  postgres = await startPostgres({ settings: ['max_connections=30', 'superuser_reserved_connections=3'] })
  look = new SQL(postgres.url, { max: 1 })
  await look.unsafe('create role keyhall login createdb')
  await look.unsafe('create database keyhall owner keyhall')
})
afterAll(async () => {
  await look.close()
  await postgres.stop()
  home.remove()
})

const address = () => postgres.url.replace('postgres@', 'keyhall@').replace(/postgres$/, 'keyhall')

const open = async () => {
  const [row] = (await look.unsafe(`select count(*) as count from pg_stat_activity where usename = 'keyhall'`)) as [
    { count: string },
  ]
  return Number(row.count)
}
/** Takes all that are left, but for some. */
async function fill(leaving: number): Promise<SQL[]> {
  const others = Array.from({ length: MOST - leaving - (await open()) }, () => new SQL(address(), { max: 1 }))
  await Promise.all(others.map((one) => one.unsafe('select 1')))
  return others
}
const none = async () => {
  while ((await open()) > 0) await Bun.sleep(20)
}

test('connections are opened as they are needed, and never more than the setting', async () => {
  const database = await openDatabase(address(), { connections: 9 })
  await database.read.selectFrom('metadata').select('name').execute()
  const atStart = await open()
  expect(atStart).toBeLessThanOrEqual(2)
  const stop = await database.listen(() => {})
  const slow = async () => void (await database.read.selectNoFrom(sleep('0.3').as('slept')).execute())
  const work = [
    ...Array.from({ length: 40 }, slow),
    ...Array.from({ length: 40 }, () =>
      database.write(async (sql) => void (await sql.selectNoFrom(sleep('0.05').as('slept')).execute())),
    ),
  ]
  let most = 0
  const done = Promise.all(work).then(() => true)
  while (!(await Promise.race([done, Bun.sleep(20).then(() => false)]))) most = Math.max(most, await open())
  expect(most).toBe(9)
  await stop()
  await database.close()
  await none()
})

test('five servers that have little to do fit into thirty connections', async () => {
  const servers = []
  for (let n = 0; n < 5; n++) servers.push(await serve(address(), pepper))
  expect(await open()).toBeLessThanOrEqual(MOST)
  for (const server of servers) server.signal('SIGTERM')
  for (const server of servers) expect(await server.ended).toMatchObject({ code: 0, err: '' })
  await none()
})

test('where PostgreSQL has no more, the start is refused with one sentence that says what to do', async () => {
  const others = await fill(0)
  const ended = await run(['serve', '--port', '0', '--database', address(), ...pepper])
  expect(ended.code).toBe(1)
  expect(sentence(ended)).toMatch(
    /^PostgreSQL takes no more connections \(.*\): let each server open fewer with KEYHALL_DATABASE_CONNECTIONS, or raise max_connections, or the limit of the role or database\.$/,
  )
  // One is left: enough to begin, too few to go on.
  await others.pop()!.close()
  const later = await run(['serve', '--port', '0', '--database', address(), ...pepper])
  expect(sentence(later)).toStartWith('PostgreSQL takes no more connections (')
  await Promise.all(others.map((one) => one.close()))
  await none()
})

test('a server that is refused more goes on with those that it has', async () => {
  const database = await openDatabase(address(), { connections: 9 })
  await database.read.selectFrom('metadata').select('name').execute()
  await database.write(async () => {})
  const others = await fill(0)
  const reads = Array.from({ length: 30 }, () => database.read.selectNoFrom(sleep('0.01').as('slept')).execute())
  const changes = Array.from({ length: 10 }, () =>
    database.write((sql) => sql.selectNoFrom(sleep('0.01').as('slept')).execute()),
  )
  expect(await Promise.all([...reads, ...changes])).toHaveLength(40)
  await Promise.all(others.map((one) => one.close()))
  await database.close()
  await none()
})

test('a wrong number is refused', async () => {
  const ended = await run(['serve', '--database-connections', '2'])
  expect(sentence(ended)).toMatch(/must be a whole number from 3 to 1000, not "2"\.$/)
})

const sleep = (seconds: string) => raw`pg_sleep(${raw.lit(Number(seconds))})`
