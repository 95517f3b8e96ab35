/**
 * What a caller sees when storage fails: a 503 that is true, nothing half done, and reading that
 * goes on.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { sql } from 'kysely'
import { verifyChain } from '../../admin/verify-chain.ts'
import { newProject } from '../made.ts'
import { START_MILLISECONDS, engines, startServer, testPepper, type TestServer } from '../setup.ts'

/** Statements that make every row written to `table` fail in one way, and those that mend it. */
const failing = {
  sqlite: (table: string, how: { raise: string }) => ({
    break: [
      `create trigger failing before insert on ${table} begin select raise(${how.raise}, 'refused by the test'); end`,
    ],
    mend: ['drop trigger failing'],
  }),
  postgres: (table: string, how: { code: string }) => ({
    break: [
      `create function fail() returns trigger language plpgsql as
        $$ begin raise exception 'refused by the test' using errcode = '${how.code}'; end $$`,
      `create trigger failing before insert on ${table} for each row execute function fail()`,
    ],
    mend: [`drop trigger failing on ${table}`, 'drop function fail'],
  }),
}

for (const engine of engines)
  describe(`failing storage (${engine})`, () => {
    let server: TestServer
    beforeAll(async () => {
      server = await startServer(engine, { outages: true })
    }, START_MILLISECONDS)
    afterAll(() => server.stop())

    for (const how of engine === 'sqlite' ? ['abort', 'fail', 'rollback'] : ['P0001', '23514', '22003'])
      test(`an audit row that cannot be written undoes the change (${how})`, async () => {
        const trigger =
          engine === 'sqlite'
            ? failing.sqlite('audit_logs', { raise: how })
            : failing.postgres('audit_logs', { code: how })
        await expectUnavailable(server, trigger, 'audit_unwritten')
      })

    test('a storage that is full refuses changes and goes on reading', async () => {
      const trouble =
        engine === 'sqlite'
          ? { break: [`pragma max_page_count = ${await pages(server)}`], mend: ['pragma max_page_count = 1000000'] }
          : failing.postgres('projects', { code: '53100' })
      await expectUnavailable(server, trouble, 'storage_full')
    })

    test('an error that nobody foresaw is a 500 that tells nothing', async () => {
      const trigger =
        engine === 'sqlite'
          ? failing.sqlite('projects', { raise: 'abort' })
          : failing.postgres('projects', { code: 'P0001' })
      await run(server, trigger.break)
      const response = await server.request('POST', '/organization/projects', { name: 'x' })
      await run(server, trigger.mend)
      const text = await response.text()
      expect(response.status).toBe(500)
      expect(text).toContain(response.headers.get('x-request-id')!)
      expect(text).not.toContain('refused')
      expect(Bun.inspect(server.log.at(-1)!.cause)).toContain('refused by the test')
      expect(await server.events()).toEqual({})
    })

    // The last one: on SQLite nothing can be written again afterwards.
    test('a storage that may only be read refuses changes and goes on reading', async () => {
      const trouble =
        engine === 'sqlite'
          ? { break: ['pragma query_only = on'], mend: null }
          : failing.postgres('projects', { code: '25006' })
      await expectUnavailable(server, trouble, 'storage_unwritable')
    })
  })

async function expectUnavailable(
  server: TestServer,
  trouble: { break: string[]; mend: string[] | null },
  code: string,
) {
  await server.events()
  const before = await names(server)
  const counted = await countedErrors(server, code)
  await run(server, trouble.break)
  // Enough of them that the fullest file needs another page, and together, so that they share a
  // commit.
  const responses = await Promise.all(
    Array.from({ length: 80 }, () =>
      server.request('POST', '/organization/projects', { name: 'x'.repeat(255), external_key_id: 'y'.repeat(255) }),
    ),
  )
  const refused = responses.filter(({ status }) => status !== 200)
  expect(refused.length).toBeGreaterThan(10)
  for (const response of refused) {
    expect(response.status).toBe(503)
    expect(response.headers.get('x-should-retry')).toBe(null)
    expect(await response.json()).toMatchObject({ error: { type: 'server_error', code } })
  }
  expect(server.log.filter(({ status, cause }) => status === 503 && !(cause as Error).cause)).toEqual([])
  expect(await countedErrors(server, code)).toBe(counted + refused.length)
  const kept = responses.length - refused.length
  expect((await names(server)).length).toBe(before.length + kept)
  expect((await server.fetch(new Request('http://keyhall.test/health'))).status).toBe(200)
  if (trouble.mend) {
    await run(server, trouble.mend)
    await newProject(server)
  }
  expect(await server.events()).toEqual(trouble.mend ? { 'project.created': kept + 1 } : {})
  expect((await verifyChain(server.database.read, [testPepper])).broken).toBe(null)
}

/** Statements on the connection that writes. */
async function run(server: TestServer, statements: string[]) {
  await server.database.write(async (db) => {
    for (const statement of statements) await sql.raw(statement).execute(db)
  })
}

async function pages(server: TestServer) {
  const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(server.database.read)
  return rows[0]!.page_count
}

async function names({ client }: TestServer) {
  const seen: string[] = []
  for await (const { id } of client.admin.organization.projects.list({ limit: 100 })) seen.push(id)
  return seen
}

/** What the metrics say of errors of storage with this code. */
async function countedErrors(server: TestServer, code: string) {
  const line = new RegExp(`^keyhall_storage_errors_total\\{code="${code}"\\} (\\d+)$`, 'm')
  return Number(line.exec(await (await server.metrics()).text())?.[1] ?? 0)
}
