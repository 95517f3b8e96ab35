/**
 * Many who write at once: in one process, where changes share a commit, and in two processes on one
 * database.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { Database as Sqlite } from 'bun:sqlite'
import { verifyChain } from '../../admin/verify-chain.ts'
import { openDatabase } from '../../database/open.ts'
import { StorageError } from '../../database/storage-errors.ts'
import type { Sql } from '../../database/types.ts'
import { newProject } from '../made.ts'
import { START_MILLISECONDS, addPerson, engines, startServer, testPepper, type TestServer } from '../setup.ts'

for (const engine of engines)
  describe(`many writers (${engine})`, () => {
    let server: TestServer
    beforeAll(async () => {
      server = await startServer(engine, { outages: true })
    }, START_MILLISECONDS)
    afterAll(() => server.stop())

    const insertProject = (sql: Sql, id: string) =>
      sql
        .insertInto('projects')
        .values({
          organization_id: server.organization_id,
          id,
          name: id,
          is_default: 0,
          residency: 'GLOBAL',
          created_at: Math.floor(Date.now() / 1000),
        })
        .execute()

    test('undoes only the change that fails among many', async () => {
      await server.events()
      const outcomes = await Promise.allSettled(
        Array.from({ length: 100 }, (_, n) =>
          n % 10 === 7
            ? server.database.write(async (sql) => {
                await insertProject(sql, `proj_failing_${n}`)
                throw new Error('changed my mind')
              })
            : newProject(server, { name: `many ${n}` }),
        ),
      )
      expect(outcomes.filter(({ status }) => status === 'rejected').length).toBe(10)
      const seen = await projects(server)
      expect(seen.filter((name) => name.startsWith('many ')).length).toBe(90)
      expect(seen.filter((name) => name.startsWith('proj_failing')).length).toBe(0)
      expect(await server.events()).toEqual({ 'project.created': 90 })
      expect((await verifyChain(server.database.read, [testPepper])).broken).toBe(null)
    })

    test('refuses all but one of those that claim the same address', async () => {
      const outcomes = await Promise.allSettled(
        Array.from({ length: 10 }, (_, n) =>
          addPerson(server, { id: `user-same-${n}`, email: n % 2 ? 'Same@example.com' : 'same@example.com' }),
        ),
      )
      const refused = outcomes.filter((outcome) => outcome.status === 'rejected')
      expect(refused.length).toBe(9)
      for (const { reason } of refused) {
        expect(reason).toBeInstanceOf(StorageError)
        expect(reason).toMatchObject({ fault: 'duplicate' })
      }
      const { data } = await server.client.admin.organization.users.list({ emails: ['SAME@EXAMPLE.COM'] })
      expect(data.length).toBe(1)
    })

    test('shows others a change that need not outlive a power cut, and undoes one that fails', async () => {
      const other = await openDatabase(server.address)
      const seen = async (id: string) =>
        (await other.read.selectFrom('projects').select('id').where('id', '=', id).execute()).length
      const failing = server.database.writeUnsynced(async (sql) => {
        await insertProject(sql, 'proj_undone')
        throw new Error('changed my mind')
      })
      expect(await failing.catch(String)).toBe('Error: changed my mind')
      // Beside one that waits for the disk: on SQLite they are on connections of their own.
      await Promise.all([
        server.database.write((sql) => insertProject(sql, 'proj_synced')),
        server.database.writeUnsynced((sql) => insertProject(sql, 'proj_unsynced')),
      ])
      expect([await seen('proj_undone'), await seen('proj_synced'), await seen('proj_unsynced')]).toEqual([0, 1, 1])
      await other.close()
    })

    test('two processes on one database keep every change and one chain', async () => {
      await server.events()
      const each = 100
      const children = ['one', 'two'].map((name) =>
        Bun.spawn([process.execPath, `${import.meta.dir}/write-projects.ts`, server.address, name, `${each}`], {
          env: { ...process.env, KEYHALL_TEST_KEY: server.admin_key },
          stdout: 'pipe',
          stderr: 'inherit',
        }),
      )
      const acknowledged = await Promise.all(
        children.map((child) => new Response(child.stdout).json() as Promise<string[]>),
      )
      const seen = await projects(server)
      for (const names of acknowledged) {
        expect(names.length).toBe(each)
        expect(names.filter((name) => !seen.includes(name))).toEqual([])
      }
      expect(await server.events()).toEqual({ 'project.created': 2 * each })
      expect((await verifyChain(server.database.read, [testPepper])).broken).toBe(null)
    })
  })

describe('a SQLite file that another process is writing', () => {
  let server: TestServer
  let other: Sqlite
  beforeAll(async () => {
    server = await startServer('sqlite', { outages: true })
    other = new Sqlite(server.address.slice('sqlite:'.length))
  }, START_MILLISECONDS)
  afterAll(async () => {
    other.close()
    await server.stop()
  })

  test('makes changes wait, and nothing else', async () => {
    other.run('begin immediate')
    const waiting = Promise.all(Array.from({ length: 5 }, () => newProject(server)))
    await Bun.sleep(50)
    // Answered while the change waits: the server does not stand still.
    expect(await projects(server)).toEqual(['Default project'])
    expect(await server.events()).toEqual({})
    other.run('rollback')
    expect(await waiting).toHaveLength(5)
    expect(await server.events()).toEqual({ 'project.created': 5 })
  })

  test('refuses changes with 503 when it takes too long', async () => {
    other.run('begin immediate')
    const response = await server.request('POST', '/organization/projects', { name: 'late' })
    other.run('rollback')
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ error: { code: 'storage_busy' } })
    expect(await projects(server)).not.toContain('late')
    expect(await server.events()).toEqual({})
    await newProject(server, { name: 'in time' })
    expect(await projects(server)).toContain('in time')
  }, 20_000)
})

async function projects({ client }: TestServer) {
  const names: string[] = []
  for await (const { name } of client.admin.organization.projects.list({ limit: 100 })) names.push(name!)
  return names
}
