/** When keys were last used: written together, soon, never backwards, and nobody waits for it. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Database } from '../../database/types.ts'
import { startOther, type OtherServer } from '../other-server.ts'
import { engines, START_MILLISECONDS, startServer, type TestServer } from '../setup.ts'
import { figure } from '../runs.ts'
import { addKeys, startNodes, type Nodes } from './nodes.ts'

const verify = async ({ fetch }: Pick<OtherServer, 'fetch'>, key: string) =>
  (await fetch(new Request('http://keyhall.test/verify', { headers: { authorization: `Bearer ${key}` } }))).status

const lastUsed = async (database: Database, id: string) =>
  (await database.read.selectFrom('api_keys').select('last_used_at').where('id', '=', id).executeTakeFirstOrThrow())
    .last_used_at

for (const engine of engines) {
  describe(`times of last use (${engine})`, () => {
    let server: TestServer
    /** Another process on the same database, as far as the database knows. */
    let other: OtherServer
    const itsWorld = { ahead: 0 }
    beforeAll(async () => {
      server = await startServer(engine)
      other = await startOther({
        address: server.address,
        world: { ...server.world, now: () => Date.now() + itsWorld.ahead * 1000 },
      })
    }, START_MILLISECONDS)
    afterAll(async () => {
      await other.stop()
      await server.stop()
    })

    test('the newest wins, whichever process writes it last', async () => {
      const [key] = await addKeys(server.database, server, 1)
      const { lastUsed: mine } = server.context
      const { lastUsed: its } = other.context
      const now = Math.floor(Date.now() / 1000)
      const seen: number[] = []
      for (const [ahead, flush] of [
        [100, mine],
        [50, its],
        [200, its],
        [0, mine],
        [300, mine],
      ] as const) {
        const world = flush === mine ? server.world : itsWorld
        world.ahead = ahead
        expect(await verify(flush === mine ? server : other, key!.value)).toBe(200)
        await flush.flush()
        seen.push((await lastUsed(server.database, key!.id))! - now)
      }
      server.world.ahead = itsWorld.ahead = 0
      expect(seen.map((one) => Math.floor(one / 10) * 10)).toEqual([100, 100, 200, 200, 300])
    })

    test('writing ten thousand of them delays no request', async () => {
      const keys = await addKeys(server.database, server, 9_999)
      // All in one moment: on a slow machine the server's own timer would write them between two
      // calls.
      const { organization_id, owner_id, world } = server
      const at = Math.floor(world.now() / 1000)
      for (const { id } of keys) server.context.lastUsed.note('api_keys', { organization_id, key_id: id, owner_id }, at)
      const over = new AbortController()
      const began = performance.now()
      const flushed = server.context.lastUsed.flush().then(() => over.abort())
      let answered = 0
      let longest = 0
      for (let n = 0; !over.signal.aborted; n++) {
        const asked = performance.now()
        expect(await verify(server, keys[n % keys.length]!.value)).toBe(200)
        longest = Math.max(longest, performance.now() - asked)
        if (!over.signal.aborted) answered++
        await new Promise((resolve) => setImmediate(resolve))
      }
      await flushed
      figure(
        `${Math.round(performance.now() - began)} ms for 9,999 times; beside it ${answered} answers, the longest after ${longest.toFixed(1)} ms`,
      )
      expect(answered).toBeGreaterThan(10)
      expect(await lastUsed(server.database, keys.at(-1)!.id)).toBeGreaterThan(0)
    }, 60_000)
  })

  describe(`times of last use of a process (${engine})`, () => {
    let nodes: Nodes
    beforeAll(async () => {
      nodes = await startNodes(engine)
    }, START_MILLISECONDS)
    afterAll(() => nodes.stop())

    test('are written by themselves, and when it ends', async () => {
      const node = await nodes.start()
      const [one, two] = await addKeys(nodes.database, nodes.tenant, 2)
      const began = performance.now()
      expect(await node.status(one!.value)).toBe(200)
      while ((await lastUsed(nodes.database, one!.id)) === null) await Bun.sleep(50)
      figure(`written after ${Math.round(performance.now() - began)} ms`)
      expect(await node.status(two!.value)).toBe(200)
      expect(await lastUsed(nodes.database, two!.id)).toBe(null)
      node.signal('SIGTERM')
      expect((await node.ended).code).toBe(0)
      expect(await lastUsed(nodes.database, two!.id)).toBeGreaterThan(0)
    }, 60_000)
  })
}
