/**
 * Several servers on one database: a key that one deleted is refused by all from the answer on,
 * whatever the others are doing.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { figure, rounds } from '../runs.ts'
import { engines, START_MILLISECONDS } from '../setup.ts'
import { startDeafProxy } from '../storage/deaf-proxy.ts'
import { addKeys, LEASE_SECONDS, startNodes, type Node, type Nodes } from './nodes.ts'

const REVOCATIONS = rounds(80)
const AT_ONCE = 10

for (const engine of engines)
  describe(`a key that was deleted (${engine})`, () => {
    let nodes: Nodes
    let one: Node
    beforeAll(async () => {
      nodes = await startNodes(engine)
      one = await nodes.start()
    }, START_MILLISECONDS)
    afterAll(() => nodes.stop())
    const newKey = async () => (await addKeys(nodes.database, nodes.tenant, 1))[0]!

    test(
      `opens nothing, in ${REVOCATIONS} revocations under load on one node`,
      () => revokeUnderLoad(nodes, [one]),
      300_000,
    )

    test(`opens nothing, in ${REVOCATIONS} revocations under load on two nodes`, async () => {
      const two = await nodes.start()
      await revokeUnderLoad(nodes, [one, two])
      two.signal('SIGTERM')
      expect((await two.ended).code).toBe(0)
    }, 300_000)

    test('opens nothing on a node that hangs, and the answer waits for its lease only', async () => {
      const two = await nodes.start()
      const key = await newKey()
      expect(await two.status(key.value)).toBe(200)
      await nodes.freeze(two)
      // Some of its lease is over when the key is deleted, and it must not matter how much.
      const began = performance.now()
      await nodes.remove(one, key.id)
      figure(`DELETE beside a node that hangs: ${since(began)} ms with a lease of ${LEASE_SECONDS} s`)
      const asked = two.status(key.value)
      await Bun.sleep(100)
      two.signal('SIGCONT')
      expect(await asked).toBe(401)
      expect(await two.status(key.value)).toBe(401)
      // It was given up, and comes back by itself: what happens now it must hear of again.
      const next = await newKey()
      expect(await two.status(next.value)).toBe(200)
      await nodes.remove(one, next.id)
      expect(await two.status(next.value)).toBe(401)
      two.signal('SIGTERM')
      await two.ended
    }, 60_000)

    test('opens nothing on a node that hung for less than its lease', async () => {
      const two = await nodes.start()
      for (const milliseconds of [50, 300, 1_200]) {
        const key = await newKey()
        expect(await two.status(key.value)).toBe(200)
        await nodes.freeze(two)
        const removed = nodes.remove(one, key.id)
        await Bun.sleep(milliseconds)
        two.signal('SIGCONT')
        await removed
        expect(await two.status(key.value)).toBe(401)
      }
      two.signal('SIGTERM')
      await two.ended
    }, 60_000)

    test('is refused by a node that hung, even if another’s clock is two hours behind', async () => {
      const two = await nodes.start()
      const behind = await nodes.start(nodes.address, { ahead: -7_200 })
      const keys = await addKeys(nodes.database, nodes.tenant, 3)
      for (const { value } of keys) expect(await two.status(value)).toBe(200)
      await nodes.freeze(two)
      const removed = []
      for (const [n, node] of [one, behind, one].entries()) {
        removed.push(nodes.remove(node, keys[n]!.id))
        await Bun.sleep(200)
      }
      two.signal('SIGCONT')
      await Promise.all(removed)
      for (const { value } of keys) expect(await two.status(value)).toBe(401)
      for (const node of [two, behind]) {
        node.signal('SIGTERM')
        await node.ended
      }
    }, 60_000)

    test('is not waited for by the others, when a node on the same machine was killed', async () => {
      const two = await nodes.start()
      const present = await count()
      two.signal('SIGKILL')
      await two.ended
      const began = performance.now()
      await nodes.remove(one, (await newKey()).id)
      figure(`DELETE beside a node that was killed: ${since(began)} ms`)
      // Else it would stay until its lease has ended.
      expect(await count()).toBe(present - 1)
    }, 60_000)

    test('is not waited for by the next node, when the only one was killed', async () => {
      const alone = await startNodes(engine)
      const killed = await alone.start()
      killed.signal('SIGKILL')
      await killed.ended
      const next = await alone.start()
      const rows = await alone.database.read.selectFrom('nodes').select('id').execute()
      expect(rows.length).toBe(1)
      const [key] = await addKeys(alone.database, alone.tenant, 1)
      const began = performance.now()
      await alone.remove(next, key!.id)
      figure(`the first DELETE after a kill and a new start: ${since(began)} ms`)
      expect(alone.locks()).toHaveLength(1)
      next.signal('SIGTERM')
      await next.ended
      expect(alone.locks()).toEqual([])
      await alone.stop()
    }, 60_000)

    if (engine === 'postgres')
      test('waits once for the lease of a node that was killed on another machine', async () => {
        const far = await nodes.start(nodes.address, { elsewhere: true })
        const present = await count()
        far.signal('SIGKILL')
        await far.ended
        const first = await newKey()
        const began = performance.now()
        await nodes.remove(one, first.id)
        figure(`DELETE beside a node that was killed on another machine: ${since(began)} ms`)
        expect(await count()).toBe(present)
        while ((await count()) !== present - 1) await Bun.sleep(50)
        const again = performance.now()
        await nodes.remove(one, (await newKey()).id)
        figure(`the next one: ${since(again)} ms`)
      }, 60_000)

    const count = async () => (await nodes.database.read.selectFrom('nodes').select('id').execute()).length
  })

describe('a key that was deleted, on PostgreSQL', () => {
  let nodes: Nodes
  let one: Node
  beforeAll(async () => {
    nodes = await startNodes('postgres')
    one = await nodes.start()
  }, START_MILLISECONDS)
  afterAll(() => nodes.stop())

  test('opens nothing on a node to which every notification is lost', async () => {
    const proxy = await startDeafProxy(nodes.address)
    const two = await nodes.start(proxy.address)
    for (const key of await addKeys(nodes.database, nodes.tenant, 3)) {
      expect(await two.status(key.value)).toBe(200)
      await nodes.remove(one, key.id)
      expect(await two.status(key.value)).toBe(401)
    }
    expect(proxy.swallowed()).toBeGreaterThan(0)
    two.signal('SIGTERM')
    await two.ended
    proxy.close()
  }, 60_000)

  test('opens nothing on a node whose connections were closed under it', async () => {
    const two = await nodes.start()
    const admin = new Bun.SQL(nodes.address, { max: 1 })
    for (const key of await addKeys(nodes.database, nodes.tenant, 8)) {
      expect(await two.status(key.value)).toBe(200)
      const removed = nodes.remove(one, key.id).catch(String)
      await admin.unsafe(
        'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and query ilike $1',
        ['%listen%'],
      )
      await removed
      expect(await two.status(key.value)).toBe(401)
    }
    await admin.close()
    two.signal('SIGTERM')
    await two.ended
  }, 60_000)
})

/**
 * Deletes keys while they are used on every node. A request that began after the answer must be
 * refused; how long it took from the DELETE until the first refusal is printed.
 */
async function revokeUnderLoad({ database, tenant, remove }: Nodes, all: Node[]) {
  const keys = await addKeys(database, tenant, REVOCATIONS)
  const answered = new Map<string, number>()
  const took: { answer: number[]; refusal: number[] } = { answer: [], refusal: [] }
  let accepted = 0
  let late = 0
  let refused = 0
  const use = async (node: Node, { value }: { value: string }) => {
    const began = performance.now()
    const status = await node.status(value)
    const over = answered.get(value)
    if (status === 200) accepted++
    if (status === 200 && over !== undefined && over < began) late++
    if (status === 401) refused++
    return status
  }

  const done = new AbortController()
  const load = all.flatMap((node) =>
    Array.from({ length: 2 }, async () => {
      while (!done.signal.aborted) {
        await use(node, keys[Math.floor(Math.random() * keys.length)]!)
        await Bun.sleep(3)
      }
    }),
  )
  const queue = [...keys]
  const revoke = async () => {
    for (let key = queue.pop(); key; key = queue.pop()) {
      const { id, value } = key
      for (const node of all) expect(await use(node, key)).toBe(200)
      const began = performance.now()
      const watching = all.map(async (node) => {
        while ((await use(node, key)) !== 401) await Bun.sleep(3)
        took.refusal.push(performance.now() - began)
      })
      // Requests from where the answer has not arrived yet may still pass.
      await remove(all[0]!, id)
      answered.set(value, performance.now())
      took.answer.push(performance.now() - began)
      for (const node of all) expect(await use(node, key)).toBe(401)
      await Promise.all(watching)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, revoke))
  done.abort()
  await Promise.all(load)

  expect(late).toBe(0)
  expect(answered.size).toBe(REVOCATIONS)
  expect(accepted).toBeGreaterThan(REVOCATIONS * all.length)
  expect(refused).toBeGreaterThan(REVOCATIONS * all.length)
  figure(
    `${REVOCATIONS} revocations on ${all.length} node(s), ${accepted + refused} requests beside them: ` +
      `from DELETE to its answer ${distribution(took.answer)}, to the first refusal ${distribution(took.refusal)}`,
  )
}

function distribution(milliseconds: number[]) {
  const sorted = milliseconds.toSorted((a, b) => a - b)
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!.toFixed(1)
  return `p50 ${at(0.5)}, p99 ${at(0.99)}, max ${at(1)} ms`
}

const since = (began: number) => Math.round(performance.now() - began)
