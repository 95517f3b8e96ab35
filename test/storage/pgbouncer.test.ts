/**
 * Keyhall behind PgBouncer, which gives few connections to many clients by turns. Skipped where
 * PgBouncer is not installed.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { openDatabase } from '../../database/open.ts'
import type { Database } from '../../database/types.ts'
import { addKeys, startNodes, type Node, type Nodes } from '../gateway/nodes.ts'
import { emptyDatabase, START_MILLISECONDS } from '../setup.ts'
import { pgbouncerProgram, startPgBouncer, type PgBouncer } from './pgbouncer.ts'

if (!pgbouncerProgram) console.log('pgbouncer is not installed: its tests are skipped')

describe.skipIf(!pgbouncerProgram)('behind PgBouncer in transaction mode', () => {
  let nodes: Nodes
  let bouncer: PgBouncer
  let one: Node
  let two: Node
  beforeAll(async () => {
    nodes = await startNodes('postgres')
    bouncer = await startPgBouncer(nodes.address)
    one = await nodes.start(bouncer.address)
    two = await nodes.start(bouncer.address)
  }, START_MILLISECONDS)
  afterAll(async () => {
    await nodes?.stop()
    await bouncer?.stop()
  })

  test('every answer is that of its own query, also for many clients at once', async () => {
    const keys = await addKeys(nodes.database, nodes.tenant, 200)
    const statuses = await Promise.all(keys.map(({ value }, n) => (n % 2 ? one : two).status(value)))
    expect(new Set(statuses)).toEqual(new Set([200]))
    const headers = { authorization: `Bearer ${nodes.tenant.admin_key}` }
    const got = async ({ url }: Node, id: string) => {
      const path = `/v1/organization/projects/${nodes.tenant.project_id}/api_keys/${id}`
      return ((await (await fetch(url + path, { headers })).json()) as { id: string }).id
    }
    const ids = await Promise.all(keys.map(({ id }, n) => got(n % 2 ? one : two, id)))
    expect(ids).toEqual(keys.map(({ id }) => id))
  }, 30_000)

  test('a key that one server deleted is refused by the other from the answer on', async () => {
    const keys = await addKeys(nodes.database, nodes.tenant, 30)
    for (const [n, { id, value }] of keys.entries()) {
      const [here, there] = n % 2 ? [one, two] : [two, one]
      expect(await there.status(value)).toBe(200)
      await nodes.remove(here, id)
      expect(await there.status(value)).toBe(401)
    }
  }, 60_000)

  test('many changes at once are all made, and once', async () => {
    const headers = { authorization: `Bearer ${nodes.tenant.admin_key}`, 'content-type': 'application/json' }
    const made = await Promise.all(
      Array.from({ length: 60 }, async (_, n) => {
        const body = JSON.stringify({ name: `Project ${n}` })
        const { url } = n % 2 ? one : two
        return (await fetch(`${url}/v1/organization/projects`, { method: 'POST', headers, body })).status
      }),
    )
    expect(new Set(made)).toEqual(new Set([200]))
    const rows = await nodes.database.read
      .selectFrom('projects')
      .select('name')
      .where('name', 'like', 'Project %')
      .execute()
    expect(new Set(rows.map(({ name }) => name)).size).toBe(60)
    expect(rows.length).toBe(60)
  }, 30_000)

  test('a server that began on connections of its own goes on when they become shared', async () => {
    let direct: Database | undefined
    const session = await startPgBouncer(nodes.address, { mode: 'session', connections: 40 })
    const port = new URL(session.address).port
    direct = await openDatabase(session.address)
    const names = async () => (await direct.read.selectFrom('projects').select('id').execute()).length
    const before = await names()
    await session.stop()
    const shared = await startPgBouncer(nodes.address, { connections: 2, port: Number(port) })
    const counts = []
    for (let n = 0; n < 40; n++)
      counts.push(...(await Promise.all(Array.from({ length: 8 }, () => names().catch(() => before)))))
    expect(new Set(counts)).toEqual(new Set([before]))
    expect(await names()).toBe(before)
    await direct.close()
    await shared.stop()
  }, 30_000)
})

test.skipIf(!pgbouncerProgram)('PgBouncer in statement mode is refused with a sentence', async () => {
  const { address, drop } = await emptyDatabase('postgres')
  const bouncer = await startPgBouncer(address, { mode: 'statement' })
  const sentence = await openDatabase(bouncer.address).then(
    () => 'opened',
    (error: Error) => `${error.constructor.name}: ${error.message}`,
  )
  expect(sentence).toMatch(
    /^CannotOpen: The server at 127\.0\.0\.1:\d+\/\w+ allows no transactions \(.*\); a PgBouncer there must have pool_mode set to transaction or session\.$/,
  )
  await bouncer.stop()
  await drop()
})

test('an address that says "prepare=perhaps" is refused with a sentence', async () => {
  const opened = openDatabase('postgres://postgres@127.0.0.1/keyhall?prepare=perhaps')
  expect(await opened.then(String, (error: Error) => error.message)).toBe(
    'In the PostgreSQL address, "prepare" is "perhaps"; it can be "true" or "false".',
  )
})
