/**
 * What opens and what does not while the database is away, and that all is well when it is back.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { sql } from 'kysely'
import { truncateSync } from 'node:fs'
import { startPostgres, type Postgres } from '../postgres.ts'
import { figure } from '../runs.ts'
import { engines, START_MILLISECONDS, startServer, unknownKey, type TestServer } from '../setup.ts'
import { addKeys, startNodes } from './nodes.ts'

const LEASE_MILLISECONDS = 3_000

const status = async ({ fetch }: Pick<TestServer, 'fetch'>, key: string) =>
  (await fetch(new Request('http://keyhall.test/verify', { headers: { authorization: `Bearer ${key}` } }))).status

const create = async (server: TestServer) =>
  (await server.request('POST', '/organization/projects', { name: 'made' })).status

// A server that is given to the tests is not theirs to kill.
describe.skipIf(Boolean(process.env.TEST_POSTGRES_URL))('a PostgreSQL that is taken away under load', () => {
  let postgres: Postgres
  let server: TestServer
  beforeAll(async () => {
    postgres = await startPostgres()
    server = await startServer('postgres', { on: { address: postgres.url, drop: postgres.stop }, outages: true })
  }, START_MILLISECONDS)
  afterAll(() => server.stop())

  const outages: [string, () => Promise<() => Promise<void>>][] = [
    ['killed', async () => (await postgres.kill!(), () => postgres.restart())],
    [
      'hung',
      async () =>
        (
          (thaw) => async () =>
            thaw()
        )(postgres.freeze!()),
    ],
  ]
  for (const [name, takeAway] of outages)
    test(`${name}: keys in memory work until the lease ends, and everything again when it is back`, async () => {
      const [used, cold, alsoCold] = await addKeys(server.database, server, 3)
      expect(await status(server, used!.value)).toBe(200)
      await server.context.lastUsed.flush()

      const answers: { began: number; took: number; status: number }[] = []
      const over = new AbortController()
      const load = Array.from({ length: 4 }, async () => {
        while (!over.signal.aborted) {
          const began = performance.now()
          const answer = await status(server, used!.value)
          answers.push({ began, took: performance.now() - began, status: answer })
          await Bun.sleep(5)
        }
      })
      server.world.ahead += 100
      const seen = Math.floor(server.world.now() / 1000)
      await Bun.sleep(50)

      const gone = performance.now()
      const bringBack = await takeAway()
      expect(await status(server, used!.value)).toBe(200)
      // Each of these is answered while the database is away.
      const refused = [cold!.value, unknownKey('project'), unknownKey('project')].map((key) => status(server, key))
      expect(await Promise.all([...refused, create(server)])).toEqual([503, 503, 503, 503])
      while ((await status(server, used!.value)) !== 503) await Bun.sleep(10)
      const after = performance.now()
      const both = [used!, alsoCold!].map(({ value }) => status(server, value))
      expect(await Promise.all(both)).toEqual([503, 503])
      await Bun.sleep(500)
      const back = performance.now()
      await bringBack()
      while ((await status(server, used!.value)) !== 200) await Bun.sleep(10)
      const recovered = performance.now() - back
      while ((await create(server)) !== 200) await Bun.sleep(10)
      over.abort()
      await Promise.all(load)

      expect(answers.filter(({ status }) => status !== 200 && status !== 503)).toEqual([])
      const late = answers.filter(
        ({ began, took, status }) => status === 200 && began > gone + LEASE_MILLISECONDS && began + took < back,
      )
      expect(late).toEqual([])
      expect(answers.filter((one) => one.status === 200 && one.began > gone).length).toBeGreaterThan(0)
      const longest = Math.max(...answers.map(({ took }) => took))
      figure(
        `${name}: 503 after ${Math.round(after - gone)} ms, the longest answer ${Math.round(longest)} ms, ` +
          `open again ${Math.round(recovered)} ms after PostgreSQL was back`,
      )
      for (const key of [cold!, alsoCold!]) expect(await status(server, key.value)).toBe(200)
      expect(await status(server, unknownKey('project'))).toBe(401)
      await server.context.lastUsed.flush()
      expect(await lastUsed(server, used!.id)).toBeGreaterThanOrEqual(seen)
    }, 60_000)
})

for (const engine of engines)
  describe(`storage that cannot be written (${engine})`, () => {
    let server: TestServer
    beforeAll(async () => {
      server = await startServer(engine, { outages: true })
    }, START_MILLISECONDS)
    afterAll(() => server.stop())

    test('refuses changes, goes on verifying, and keeps times of last use for later', async () => {
      const [warm, cold] = await addKeys(server.database, server, 2)
      expect(await status(server, warm!.value)).toBe(200)
      const mend = await refuseWrites(server)
      expect(await create(server)).toBe(503)
      expect(await status(server, warm!.value)).toBe(200)
      expect(await status(server, cold!.value)).toBe(200)
      expect(await status(server, unknownKey('project'))).toBe(401)
      await server.context.lastUsed.flush()
      expect(server.context.lastUsed.waiting.keys).toBeGreaterThanOrEqual(2)
      expect(await lastUsed(server, cold!.id)).toBe(null)
      await mend()
      await server.context.lastUsed.flush()
      expect(server.context.lastUsed.waiting.keys).toBe(0)
      for (const { id } of [warm!, cold!]) expect(await lastUsed(server, id)).toBeGreaterThan(0)
    })
  })

test('a SQLite file that is damaged under a server ends the server', async () => {
  const nodes = await startNodes('sqlite')
  const node = await nodes.start()
  const keys = await addKeys(nodes.database, nodes.tenant, 200)
  const path = nodes.address.slice('sqlite:'.length)
  truncateSync(path, 0)
  truncateSync(`${path}-wal`, 0)
  for (const { value } of keys) await node.status(value).catch(() => 0)
  expect((await node.ended).code).toBe(1)
  expect(node.printed()).toContain('The storage failed')
  await nodes.stop()
}, 60_000)

const lastUsed = async ({ database }: TestServer, id: string) =>
  (await database.read.selectFrom('api_keys').select('last_used_at').where('id', '=', id).executeTakeFirstOrThrow())
    .last_used_at

/** Makes audit rows and times of last use impossible to write; answers how to mend it. */
async function refuseWrites(server: TestServer) {
  const refuse = server.engine === 'sqlite' ? `begin select raise(abort, 'refused'); end` : 'execute function refuse()'
  const each = server.engine === 'sqlite' ? '' : 'for each row '
  const run = (...statements: string[]) =>
    server.database.write(async (db) => {
      for (const statement of statements) await sql.raw(statement).execute(db)
    })
  if (server.engine === 'postgres')
    await run(`create function refuse() returns trigger language plpgsql as $$ begin raise exception 'refused'; end $$`)
  await run(
    `create trigger refuse_audit before insert on audit_logs ${each}${refuse}`,
    `create trigger refuse_use before update on api_keys ${each}${refuse}`,
  )
  const on = (table: string) => (server.engine === 'sqlite' ? '' : ` on ${table}`)
  return () => run(`drop trigger refuse_audit${on('audit_logs')}`, `drop trigger refuse_use${on('api_keys')}`)
}
