/**
 * PostgreSQL that goes away and comes back: what was acknowledged is there, what was refused is
 * not, and Keyhall goes on by itself.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { SQL } from 'bun'
import { verifyChain } from '../../admin/verify-chain.ts'
import { newProject } from '../made.ts'
import { START_MILLISECONDS, emptyDatabase, startServer, testPepper, type TestServer } from '../setup.ts'
import { startPostgres, type Postgres } from '../postgres.ts'
import { startProxy, type Proxy } from './cutting-proxy.ts'

const create = async (server: TestServer, name: string) => {
  const response = await server.request('POST', '/organization/projects', { name })
  return { name, status: response.status, headers: response.headers, error: ((await response.json()) as any).error }
}

async function projects({ client }: TestServer) {
  const names: string[] = []
  for await (const { name } of client.admin.organization.projects.list({ limit: 100 })) names.push(name!)
  return names
}

// A server that is given to the tests is not theirs to kill.
describe.skipIf(Boolean(process.env.TEST_POSTGRES_URL))('a PostgreSQL that crashes', () => {
  let postgres: Postgres
  let server: TestServer
  beforeAll(async () => {
    postgres = await startPostgres()
    server = await startServer('postgres', { on: { address: postgres.url, drop: postgres.stop }, outages: true })
  }, START_MILLISECONDS)
  afterAll(() => server.stop())

  test('under load refuses with 503 and loses nothing that was acknowledged', async () => {
    const answers: Awaited<ReturnType<typeof create>>[] = []
    const stop = new AbortController()
    const writer = async (id: number) => {
      for (let n = 0; !stop.signal.aborted; n++) {
        const answer = await create(server, `writer ${id} ${n}`)
        answers.push(answer)
        if (answer.status !== 200) await Bun.sleep(20)
      }
    }
    const writers = Array.from({ length: 8 }, (_, id) => writer(id))
    for (let round = 0; round < 3; round++) {
      await until(() => answers.filter(({ status }) => status === 200).length > 20 * (round + 1))
      await postgres.kill!()
      const refusedBefore = answers.filter(({ status }) => status === 503).length
      await until(() => answers.filter(({ status }) => status === 503).length > refusedBefore + 8)
      const health = await server.fetch(new Request('http://keyhall.test/health'))
      expect(health.status).toBe(503)
      expect(await health.json()).toMatchObject({ error: { code: 'storage_unreachable' } })
      const list = await server.request('GET', '/organization/projects')
      expect(list.status).toBe(503)
      await postgres.restart()
      const acknowledgedBefore = answers.filter(({ status }) => status === 200).length
      await until(() => answers.filter(({ status }) => status === 200).length > acknowledgedBefore + 8)
    }
    stop.abort()
    await Promise.all(writers)

    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 503]))
    const acknowledged = answers.filter(({ status }) => status === 200).map(({ name }) => name)
    const there = (await projects(server)).filter((name) => name.startsWith('writer'))
    expect(there.toSorted()).toEqual(acknowledged.toSorted())
    expect(await server.events()).toEqual({ 'project.created': acknowledged.length })
    expect((await verifyChain(server.database.read, [testPepper])).broken).toBe(null)
  }, 60_000)

  test('works again after all its connections were closed', async () => {
    const admin = new SQL(postgres.url, { max: 1 })
    await Promise.all(Array.from({ length: 10 }, () => newProject(server)))
    await admin.unsafe('select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()')
    await admin.close()
    await Bun.sleep(50)
    for (let n = 0; n < 30; n++) expect((await create(server, 'again')).status).toBe(200)
  })
})

describe('a connection that is lost during COMMIT', () => {
  let proxy: Proxy
  let server: TestServer
  beforeAll(async () => {
    const on = await emptyDatabase('postgres')
    server = await startServer('postgres', {
      on,
      outages: true,
      via: async (address) => (proxy = await startProxy(address)).address,
    })
  }, START_MILLISECONDS)
  afterAll(async () => {
    await server.stop()
    proxy.close()
  })

  test('before it arrived, is a 503, and nothing has changed', async () => {
    proxy.cutCommit('before')
    const answer = await create(server, 'lost before')
    expect(answer).toMatchObject({ status: 503, error: { code: 'storage_unreachable' } })
    expect(answer.headers.get('x-should-retry')).toBe(null)
    expect(await projects(server)).not.toContain('lost before')
    expect(await server.events()).toEqual({})
  })

  test('after it was done, is a success, once', async () => {
    proxy.cutCommit('after')
    expect(await create(server, 'lost after')).toMatchObject({ status: 200 })
    expect((await projects(server)).filter((name) => name === 'lost after')).toHaveLength(1)
    expect(await server.events()).toEqual({ 'project.created': 1 })
  })

  test('among many, tells each of them the truth', async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, async (_, n) => {
        await Bun.sleep(n * 3)
        if (n % 4 === 0) proxy.cutCommit(n % 8 ? 'before' : 'after')
        return create(server, `among ${n}`)
      }),
    )
    const acknowledged = answers.filter(({ status }) => status === 200).map(({ name }) => name)
    const there = (await projects(server)).filter((name) => name.startsWith('among'))
    expect(acknowledged.length).toBeLessThan(40)
    expect(there.toSorted()).toEqual(acknowledged.toSorted())
    expect(await server.events()).toEqual({ 'project.created': acknowledged.length })
  })

  test('is told the truth of when the change has no audit event too', async () => {
    const note = (id: string) => {
      const row = { organization_id: server.organization_id, list_id: 'eventless', id, created_at: 1 }
      return server.database.write((sql) => sql.insertInto('left_memberships').values(row).execute())
    }
    const ids = async () => {
      const rows = await server.database.read
        .selectFrom('left_memberships')
        .select('id')
        .where('list_id', '=', 'eventless')
        .orderBy('id')
        .execute()
      return rows.map(({ id }) => id)
    }
    proxy.cutCommit('before')
    expect(await note('cut before').then(String, (error) => error.fault)).toBe('unreachable')
    expect(await ids()).toEqual([])
    proxy.cutCommit('after')
    await note('cut after')
    expect(await ids()).toEqual(['cut after'])
    // The one that was cut before left the row that keeps it from being made later.
    const left = await server.database.read.selectFrom('commits').selectAll().where('is_void', '=', 1).execute()
    expect(left.length).toBeGreaterThan(0)
  })

  test('with a storage that stays away, says that nobody knows, and not to try again', async () => {
    proxy.cutCommit('after', { andStayAway: true })
    const answer = await create(server, 'who knows')
    expect(answer).toMatchObject({ status: 503, error: { code: 'outcome_unknown', type: 'server_error' } })
    expect(answer.headers.get('x-should-retry')).toBe('false')
    proxy.comeBack()
    while ((await server.fetch(new Request('http://keyhall.test/health'))).status !== 200) await Bun.sleep(50)
    expect(await projects(server)).toContain('who knows')
    expect((await verifyChain(server.database.read, [testPepper])).broken).toBe(null)
  }, 30_000)
})

describe('a change that PostgreSQL undid for another', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer('postgres', { outages: true })
    const admin = new SQL(server.address, { max: 1 })
    // A sequence is not undone with its transaction: it counts how often the change was tried.
    await admin.unsafe(`create sequence tries;
      create table allowed (failures int); insert into allowed values (0);
      create function fail() returns trigger language plpgsql as $$ begin
        if nextval('tries') <= (select failures from allowed) then
          raise exception 'try again' using errcode = tg_argv[0];
        end if;
        return new;
      end $$;
      create trigger a before insert on projects for each row execute function fail('40001');
      create trigger b before insert on audit_logs for each row execute function fail('40P01')`)
    await admin.close()
  }, START_MILLISECONDS)
  afterAll(() => server.stop())

  const fail = async (failures: number) => {
    const admin = new SQL(server.address, { max: 1 })
    await admin.unsafe(`update allowed set failures = ${failures}; alter sequence tries restart`)
    await admin.close()
  }

  test('is made again, and is there once', async () => {
    await fail(2)
    expect((await create(server, 'third time lucky')).status).toBe(200)
    expect((await projects(server)).filter((name) => name === 'third time lucky')).toHaveLength(1)
    expect(await server.events()).toEqual({ 'project.created': 1 })
  })

  test('also when it was the audit row', async () => {
    const admin = new SQL(server.address, { max: 1 })
    await admin.unsafe('drop trigger a on projects')
    await admin.close()
    await fail(2)
    expect((await create(server, 'audited at last')).status).toBe(200)
    expect(await server.events()).toEqual({ 'project.created': 1 })
  })

  test('is given up with 503 in the end', async () => {
    await fail(1000)
    expect(await create(server, 'never')).toMatchObject({ status: 503, error: { code: 'storage_busy' } })
    expect(await projects(server)).not.toContain('never')
    expect(await server.events()).toEqual({})
  })
})

async function until(condition: () => boolean) {
  while (!condition()) await Bun.sleep(5)
}
