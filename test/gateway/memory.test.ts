/**
 * Keys held in memory: what was taken away is never answered from it, and it does not grow with
 * what is thrown at it.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { MOST_UNKNOWN } from '../../keys/negative-cache.ts'
import { rounds } from '../runs.ts'
import { addPerson, engines, guess, START_MILLISECONDS, startServer, unknownKey, type TestServer } from '../setup.ts'
import { looksUpKeys, watchReads, type Pass } from '../storage/watched-reads.ts'
import { addKeys } from './nodes.ts'
import { until } from './setup.ts'

const ROUNDS = rounds(80)
const AT_ONCE = 8
const CACHED = 1_000

const status = async ({ fetch }: TestServer, key: string) =>
  (await fetch(new Request('http://keyhall.test/verify', { headers: { authorization: `Bearer ${key}` } }))).status

for (const engine of engines)
  describe(`keys in memory (${engine})`, () => {
    let server: TestServer
    const straight: Pass = (_, read) => read()
    let pass = straight
    let lookUps = 0
    let reads = 0
    beforeAll(async () => {
      server = await startServer(engine, {
        cachedKeys: CACHED,
        outages: true,
        wrap: (database) =>
          watchReads(database, (sql, read) => {
            if (looksUpKeys(sql)) lookUps++
            // What is asked every second is not for anybody's sake.
            if (!sql.includes('"counters"')) reads++
            return pass(sql, read)
          }),
      })
    }, START_MILLISECONDS)
    afterAll(() => server.stop())
    // A busy machine may refuse a change with 503; nothing was changed then, and it is asked for
    // again.
    const client = () => server.client.withOptions({ maxRetries: 5 }).admin.organization
    const newKey = async () => (await addKeys(server.database, server, 1))[0]!
    const remove = (id: string) => client().projects.apiKeys.delete(id, server)

    test('a key that was read before its deletion is not cached after it', async () => {
      const { id, value } = await newKey()
      const { promise: gate, resolve: open } = Promise.withResolvers<void>()
      let held = 0
      pass = async (sql, read) => {
        const rows = await read()
        if (looksUpKeys(sql) && held++ === 0) await gate
        return rows
      }
      const before = status(server, value)
      await until(() => held > 0)
      await remove(id)
      const after = status(server, value)
      open()
      expect([await before, await after, await status(server, value)]).toEqual([401, 401, 401])
      pass = straight
    })

    test(`a key whose owner is removed while it is verified is refused from then on, ${ROUNDS} times`, async () => {
      let round = 0
      let accepted = 0
      let late = 0
      const failures: unknown[] = []
      const run = async () => {
        while (round < ROUNDS && failures.length === 0) {
          const kinds = [accountKey, groupedAccountKey, () => personKey(`user-round-${round}`)]
          const { value, removeOwner } = await kinds[round++ % kinds.length]!()
          const deleted = { at: Infinity }
          const use = async () => {
            const began = performance.now()
            if ((await status(server, value)) !== 200) return
            accepted++
            if (began > deleted.at) late++
          }
          const removed = removeOwner().finally(() => (deleted.at = performance.now()))
          const uses = [use(), use()]
          while (deleted.at === Infinity) {
            uses.push(use())
            await Bun.sleep(1)
          }
          await removed
          await Promise.all([...uses, use(), use()])
        }
      }
      // When one fails the others end too, and do not disturb the tests that follow.
      await Promise.all(Array.from({ length: AT_ONCE }, () => run().catch((error) => failures.push(error))))
      expect(failures).toEqual([])
      expect(late).toBe(0)
      expect(accepted).toBeGreaterThan(ROUNDS / 2)
    }, 120_000)

    async function accountKey() {
      const { project_id } = server
      const { id, api_key } = await client().projects.serviceAccounts.create(project_id, { name: 'robot' })
      return { value: api_key!.value, removeOwner: () => client().projects.serviceAccounts.delete(id, { project_id }) }
    }

    async function groupedAccountKey() {
      const { project_id } = server
      const { groups, projects } = client()
      const account = await projects.serviceAccounts.create(project_id, {
        name: 'robot',
        create_service_account_only: true,
      })
      const { value } = await projects.serviceAccounts.apiKeys.create(account.id, { project_id })
      const group = await groups.create({ name: account.id })
      await projects.groups.create(project_id, { group_id: group.id, role: 'role-api-project-member' })
      await groups.users.create(group.id, { user_id: account.id })
      return { value, removeOwner: () => groups.users.delete(account.id, { group_id: group.id }) }
    }

    async function personKey(user_id: string) {
      const { project_id } = server
      await addPerson(server, { id: user_id, email: `${user_id}@example.com`, project_id })
      const path = `/organization/projects/${project_id}/api_keys`
      const { value } = (await (await server.request('POST', path, { name: 'laptop', user_id })).json()) as any
      return { value, removeOwner: () => client().users.delete(user_id) }
    }

    test('a missing revocation row makes the server forget every key', async () => {
      const { id, value } = await newKey()
      expect(await status(server, value)).toBe(200)
      // Another process deleted it more than an hour ago, as far as this one knows.
      await server.database.write(async (sql) => {
        await sql.updateTable('api_keys').set({ deleted_at: 1 }).where('id', '=', id).execute()
        await sql.deleteFrom('revocations').execute()
        await sql.updateTable('counters').set({ value: 1_000_000 }).execute()
      })
      await server.context.revocations.poll()
      expect(await status(server, value)).toBe(401)
    })

    test('a database that was restored from a backup is believed, not memory', async () => {
      const { id, value } = await newKey()
      expect(await status(server, value)).toBe(200)
      await server.database.write(async (sql) => {
        await sql.updateTable('api_keys').set({ deleted_at: 1 }).where('id', '=', id).execute()
        await sql.updateTable('counters').set({ value: 5 }).execute()
      })
      await server.context.revocations.poll()
      expect(await status(server, value)).toBe(401)
      const [node] = await server.database.read.selectFrom('nodes').select('epoch').execute()
      expect(node!.epoch).toBe(5)
    })

    test('a process that was given up by another comes back, and need not read its keys again', async () => {
      const { value } = await newKey()
      expect(await status(server, value)).toBe(200)
      const nodes = () => server.database.read.selectFrom('nodes').selectAll().execute()
      const [before] = await nodes()
      await server.database.write((sql) => sql.updateTable('nodes').set({ is_evicted: 1 }).execute())
      await server.context.revocations.poll()
      const after = await nodes()
      expect(after).toEqual([{ ...before!, id: after[0]!.id, is_evicted: 0 }])
      expect(after[0]!.id).not.toBe(before!.id)
      const read = lookUps
      expect(await status(server, value)).toBe(200)
      expect(lookUps).toBe(read)
    })

    test('a machine that slept asks the database before it answers', async () => {
      const { value } = await newKey()
      expect(await status(server, value)).toBe(200)
      pass = () => Promise.reject(new Error('not reached'))
      // The steady clock stood still meanwhile; the one on the wall did not.
      server.world.ahead += 4
      expect(await status(server, value)).toBe(503)
      pass = straight
      expect(await status(server, value)).toBe(200)
    })

    test('more keys than fit all work, and no more than fit are held', async () => {
      const keys = await addKeys(server.database, server, CACHED * 5)
      for (let round = 0; round < 2; round++)
        for (let start = 0; start < keys.length; start += 250) {
          const batch = keys.slice(start, start + 250)
          const answers = await Promise.all(batch.map(({ value }) => status(server, value)))
          expect(answers.every((one) => one === 200)).toBe(true)
          expect(server.context.cache.size).toBeLessThanOrEqual(CACHED)
        }
    })

    test('asking again and again for a key that does not exist asks the database once', async () => {
      const gone = unknownKey('project')
      const read = lookUps
      for (let n = 0; n < 1_000; n++) expect(await status(server, gone)).toBe(401)
      expect(lookUps).toBe(read + 1)
    })

    test('a guessed key causes no query and takes no memory', async () => {
      const [read, remembered] = [reads, server.context.keys.unknown.size]
      for (const kind of ['project', 'service_account', 'admin'] as const)
        for (let n = 0; n < 1_000; n++) expect(await status(server, guess(kind))).toBe(401)
      expect(reads).toBe(read)
      expect(server.context.keys.unknown.size).toBe(remembered)
    })

    test('endless requests with deleted keys fill no memory and send few queries', async () => {
      let reading = 0
      let most = 0
      pass = async (sql, read) => {
        if (!looksUpKeys(sql)) return read()
        most = Math.max(most, ++reading)
        try {
          await Bun.sleep(0)
          return await read()
        } finally {
          reading--
        }
      }
      const gone = 1.2 * MOST_UNKNOWN
      const read = lookUps
      for (let n = 0; n < gone; n += 200)
        await Promise.all(Array.from({ length: 200 }, () => status(server, unknownKey('project'))))
      expect(server.context.keys.unknown.size).toBe(MOST_UNKNOWN)
      expect(most).toBeLessThanOrEqual(4)
      expect(lookUps - read).toBeLessThan(gone / 10)
      pass = straight
    }, 60_000)
  })

for (const engine of engines)
  describe(`a memory that is too small for the keys in use (${engine})`, () => {
    let server: TestServer
    beforeAll(async () => {
      server = await startServer(engine, { cachedKeys: 16, leaseMilliseconds: 30_000 })
    }, START_MILLISECONDS)
    afterAll(() => server.stop())

    test('forgets every key of an owner at once, wherever it holds them', async () => {
      const { users } = server.client.admin.organization.projects
      const { project_id } = server
      const people: { id: string; isMember: boolean; keys: string[] }[] = []
      for (let n = 0; n < 10; n++) {
        const id = await addPerson(server, { id: `user-${n}`, email: `user${n}@example.com`, project_id })
        const keys: string[] = []
        for (let k = 0; k < 2; k++) {
          const body = { name: `key ${k}`, user_id: id }
          const made = await server.request('POST', `/organization/projects/${project_id}/api_keys`, body)
          keys.push(((await made.json()) as { value: string }).value)
        }
        people.push({ id, isMember: true, keys })
      }
      const step = fc.record({
        toggles: fc.integer({ min: 0, max: 11 }).map((n) => n === 0),
        person: fc.nat({ max: people.length - 1 }),
        key: fc.nat({ max: 1 }),
      })
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 100, maxLength: 200 }), async (steps) => {
          for (const { toggles, person, key } of steps) {
            const { id, isMember, keys } = people[person]!
            if (toggles) {
              await (isMember
                ? users.delete(id, { project_id })
                : users.create(project_id, { user_id: id, role: 'member' }))
              people[person]!.isMember = !isMember
            } else expect(await status(server, keys[key]!)).toBe(isMember ? 200 : 403)
          }
        }),
        // What happened before is part of what is tested: a run that failed cannot be repeated
        // alone.
        { numRuns: 12, endOnFailure: true },
      )
    }, 120_000)
  })
