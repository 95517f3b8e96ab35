/**
 * Servers that start at the same moment on one empty database, and storage that is broken beyond
 * use.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { chmodSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { verifyChain } from '../../admin/verify-chain.ts'
import { openDatabase } from '../../database/open.ts'
import { migrations } from '../../database/migrations/index.ts'
import { readPepperFile } from '../../server/pepper-file.ts'
import { folder, serve, type Serving } from '../cli/command.ts'
import { emptyDatabase, engines, START_MILLISECONDS } from '../setup.ts'

for (const engine of engines)
  describe(`servers that start at once (${engine})`, () => {
    const home = folder()
    let database: Awaited<ReturnType<typeof emptyDatabase>>
    let servers: Serving[]
    beforeAll(async () => {
      database = await emptyDatabase(engine)
      servers = await Promise.all(
        Array.from({ length: 4 }, () => serve(database.address, ['--pepper-file', `${home.path}/pepper`])),
      )
    }, START_MILLISECONDS)
    afterAll(async () => {
      for (const server of servers) server.signal('SIGTERM')
      await Promise.all(servers.map(({ ended }) => ended))
      await database.drop()
      home.remove()
    })

    test('make one organization, print one key, and apply each migration once', async () => {
      expect(servers.filter(({ key }) => key !== null)).toHaveLength(1)
      const storage = await openDatabase(database.address)
      const { read } = storage
      expect(await read.selectFrom('organizations').select('id').execute()).toHaveLength(1)
      expect(await read.selectFrom('projects').select('id').execute()).toHaveLength(1)
      const applied = await read
        .selectFrom('migrations' as 'metadata')
        .select('name')
        .execute()
      expect(applied.map(({ name }) => name).toSorted()).toEqual(migrations.map(({ name }) => name).toSorted())
      expect(await verifyChain(read, readPepperFile(`${home.path}/pepper`)!)).toMatchObject({ rows: 2, broken: null })
      await storage.close()
    })

    test('all take that key, and see at once what another of them changed', async () => {
      const headers = { authorization: `Bearer ${servers.find(({ key }) => key)!.key}` }
      for (const { url } of servers) {
        const made = await fetch(`${url}/v1/organization/admin_api_keys`, {
          method: 'POST',
          headers,
          body: '{"name":"shared"}',
        })
        const { id, value } = (await made.json()) as { id: string; value: string }
        const opened = () =>
          Promise.all(
            servers.map(async (other) => {
              const authorization = { authorization: `Bearer ${value}` }
              return (await fetch(`${other.url}/v1/organization/users`, { headers: authorization })).status
            }),
          )
        expect(await opened()).toEqual([200, 200, 200, 200])
        await fetch(`${url}/v1/organization/admin_api_keys/${id}`, { method: 'DELETE', headers })
        expect(await opened()).toEqual([401, 401, 401, 401])
      }
    })
  })

test('processes that open a new SQLite file in the same moment all can', async () => {
  const home = folder()
  const opener = [process.execPath, join(import.meta.dir, 'open-at.ts')]
  for (let round = 0; round < 20; round++) {
    const moment = String(Date.now() + 120)
    const processes = Array.from({ length: 4 }, () =>
      Bun.spawn([...opener, join(home.path, `${round}.db`), moment], { stderr: 'pipe' }),
    )
    for (const one of processes) expect([await new Response(one.stderr).text(), await one.exited]).toEqual(['', 0])
  }
  home.remove()
}, 60_000)

test(
  'what a first start makes can be read by nobody else, also in a folder that was there',
  async () => {
    const home = folder()
    chmodSync(home.path, 0o755)
    const server = await serve(`sqlite:${home.path}/keyhall.db`, [])
    const modes = readdirSync(home.path).map((name) => [name, statSync(join(home.path, name)).mode & 0o777])
    const names = modes.map(([name]) => name)
    for (const name of ['keyhall.db', 'keyhall.db-shm', 'keyhall.db-wal', 'pepper', 'revocations.jsonl'])
      expect(names).toContain(name)
    expect(modes.filter(([, mode]) => mode !== 0o600)).toEqual([])
    server.signal('SIGTERM')
    await server.ended
    home.remove()
  },
  START_MILLISECONDS,
)

describe('a SQLite file that is damaged while it is in use', () => {
  test('stops the server, which says why', async () => {
    const home = folder()
    const path = join(home.path, 'keyhall.db')
    const server = await serve(`sqlite:${path}`, [])
    const headers = { authorization: `Bearer ${server.key}` }
    const create = () =>
      fetch(`${server.url}/v1/organization/projects`, { method: 'POST', headers, body: '{"name":"x"}' })
    expect((await create()).status).toBe(200)
    for (const file of [path, `${path}-wal`])
      writeFileSync(file, Buffer.alloc(statSync(file).size, 0x5a), { flag: 'r+' })
    // The server may have met the damage by itself already, and be gone.
    const response = await create().catch(() => null)
    if (response) {
      expect(response.status).toBe(503)
      expect(await response.json()).toMatchObject({ error: { code: 'storage_failed' } })
    }
    const { code, out } = await server.ended
    expect(code).toBe(1)
    expect(out).toContain('The storage failed')
    home.remove()
  }, 30_000)
})
