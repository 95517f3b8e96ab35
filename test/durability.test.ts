/**
 * A server that is killed again and again while many write: what it acknowledged is there, what it
 * deleted stays deleted.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { verifyChain } from '../admin/verify-chain.ts'
import { readPepperFile } from '../server/pepper-file.ts'
import { openDatabase } from '../database/open.ts'
import { folder, serve, type Serving } from './cli/command.ts'
import { emptyDatabase, engines, START_MILLISECONDS } from './setup.ts'

const WRITERS = 6
const kills = { sqlite: 10, postgres: 4 }

/** What the writers know: only what the server said before it died. */
interface Known {
  /** Admin keys whose creation was acknowledged, by id. */
  keys: Map<string, string>
  /** Of these: a deletion was sent, and perhaps done. */
  deleting: Set<string>
  /** Of these: the deletion was acknowledged. */
  deleted: Set<string>
}

for (const engine of engines)
  describe(`a server that is killed (${engine})`, () => {
    const home = folder()
    let database: Awaited<ReturnType<typeof emptyDatabase>>
    beforeAll(async () => {
      database = await emptyDatabase(engine)
    }, START_MILLISECONDS)
    afterAll(async () => {
      await database.drop()
      home.remove()
    })
    const start = () =>
      serve(database.address, ['--pepper-file', `${home.path}/pepper`, '--log', 'info', '--lease-seconds', '1'])

    test(`${kills[engine]} times under load loses no acknowledged change and revives no deleted key`, async () => {
      const known: Known = { keys: new Map(), deleting: new Set(), deleted: new Set() }
      let admin_key = ''
      for (let round = 0; round < kills[engine]; round++) {
        const server = await start()
        admin_key ||= server.key!
        const before = { keys: known.keys.size, deleted: known.deleted.size }
        const writers = Array.from({ length: WRITERS }, () => write(server, admin_key, known))
        // Killed while it works: only after it has acknowledged both in this round, and then at any
        // moment. A deletion waits until the lease of the server that was killed before is over.
        while (known.keys.size < before.keys + 10 || known.deleted.size === before.deleted) await Bun.sleep(1)
        await Bun.sleep(Math.random() * 30)
        server.signal('SIGKILL')
        await Promise.all(writers)
        await server.ended
      }

      const storage = await openDatabase(database.address)
      const { broken } = await verifyChain(storage.read, readPepperFile(`${home.path}/pepper`)!)
      const logged = await storage.read.selectFrom('audit_logs').select(['type', 'resource_id']).execute()
      await storage.close()
      expect(broken).toBe(null)

      const server = await start()
      const alive = await listed(server, admin_key)
      const opens = async (value: string) =>
        (await fetch(`${server.url}/v1/organization/users`, { headers: { authorization: `Bearer ${value}` } })).status
      const kept = [...known.keys].filter(([id]) => !known.deleting.has(id))
      expect(known.deleted.size).toBeGreaterThanOrEqual(kills[engine])
      expect(kept.length).toBeGreaterThan(kills[engine])
      expect(kept.filter(([id]) => !alive.has(id))).toEqual([])
      expect([...known.deleted].filter((id) => alive.has(id))).toEqual([])
      for (const [, value] of kept.slice(-20)) expect(await opens(value)).toBe(200)
      for (const id of [...known.deleted].slice(-20)) expect(await opens(known.keys.get(id)!)).toBe(401)
      const events = new Set(logged.map(({ type, resource_id }) => `${type} ${resource_id}`))
      expect([...known.keys.keys()].filter((id) => !events.has(`api_key.created ${id}`))).toEqual([])
      expect([...known.deleted].filter((id) => !events.has(`api_key.deleted ${id}`))).toEqual([])
      server.signal('SIGTERM')
      expect((await server.ended).code).toBe(0)
    }, 120_000)
  })

/** Creates keys and deletes some of them, until the server is gone. */
async function write({ url }: Serving, admin_key: string, known: Known) {
  const path = `${url}/v1/organization/admin_api_keys`
  const headers = { authorization: `Bearer ${admin_key}` }
  try {
    for (;;) {
      const response = await fetch(path, { method: 'POST', headers, body: '{"name":"durable"}' })
      const { id, value } = (await response.json()) as { id: string; value: string }
      known.keys.set(id, value)
      if (Math.random() < 0.5) continue
      known.deleting.add(id)
      const deleted = await fetch(`${path}/${id}`, { method: 'DELETE', headers })
      if (((await deleted.json()) as { deleted?: boolean }).deleted) known.deleted.add(id)
    }
  } catch {
    // The connection went with the server: what was under way is not known.
  }
}

async function listed({ url }: Serving, admin_key: string) {
  const seen = new Set<string>()
  for (let after = ''; ;) {
    const response = await fetch(`${url}/v1/organization/admin_api_keys?limit=100&after=${after}`, {
      headers: { authorization: `Bearer ${admin_key}` },
    })
    const page = (await response.json()) as { data: { id: string }[]; has_more: boolean; last_id: string }
    for (const { id } of page.data) seen.add(id)
    if (!page.has_more) return seen
    after = page.last_id
  }
}
