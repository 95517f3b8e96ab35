/**
 * Somebody who can write the database but lacks the pepper can neither mint a key nor widen one.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { sql as raw } from 'kysely'
import type { Sql } from '../../database/types.ts'
import { checkPeppers, WrongPepper } from '../../keys/check-peppers.ts'
import { legacyCanary } from '../../keys/digest.ts'
import { addPerson, engines, START_MILLISECONDS, startServer, testPepper, type TestServer } from '../setup.ts'

for (const engine of engines)
  describe(`a forged row (${engine})`, () => {
    let server: TestServer
    const errors: [what: string, error: unknown][] = []
    beforeAll(async () => {
      server = await startServer(engine, { onError: (...error) => errors.push(error) })
    }, START_MILLISECONDS)
    afterAll(() => server.stop())
    beforeEach(() => void errors.splice(0))

    const write = (work: (sql: Sql) => Promise<unknown>) => server.database.write(work)
    /** Ends what the server remembers, of keys and of those it did not find. */
    async function forget() {
      server.context.cache.forget(null)
      server.context.keys.unknown.clear()
    }
    const projects = () => server.client.admin.organization.projects

    async function projectKey() {
      const { project_id } = server
      const account = await projects().serviceAccounts.create(project_id, { name: 'robot' })
      const { id, value } = account.api_key!
      expect(await server.opens(value)).toBe(200)
      return { id, value, account_id: account.id }
    }

    async function adminKey(body: object = {}) {
      const answer = await server.request('POST', '/organization/admin_api_keys', { name: 'low', ...body })
      return (await answer.json()) as { id: string; value: string }
    }

    const called = async (key: string, method = 'GET', path = '/organization/projects', body?: object) =>
      (await server.request(method, path, body, { authorization: `Bearer ${key}` })).status

    /** Refused by the gateway, logged with the key's id, and counted. */
    async function expectForged(id: string, value: string) {
      await forget()
      const before = await forged()
      expect(await server.opens(value)).toBe(401)
      expect(errors.map(([, error]) => error)).toEqual([id])
      expect((await forged()) - before).toBe(1)
    }

    async function forged() {
      const page = await (await server.metrics()).text()
      return Number(/^keyhall_forged_keys_total (\d+)$/m.exec(page)![1])
    }

    test('that brings a deleted project key back opens nothing', async () => {
      const { id, value } = await projectKey()
      await projects().apiKeys.delete(id, { project_id: server.project_id })
      await write((sql) => sql.updateTable('api_keys').set({ deleted_at: null }).where('id', '=', id).execute())
      await expectForged(id, value)
    })

    test('that brings the key of a deleted service account back opens nothing', async () => {
      const { id, value, account_id } = await projectKey()
      await projects().serviceAccounts.delete(account_id, { project_id: server.project_id })
      await write(async (sql) => {
        await sql.updateTable('service_accounts').set({ deleted_at: null }).where('id', '=', account_id).execute()
        await sql.updateTable('api_keys').set({ deleted_at: null }).where('id', '=', id).execute()
      })
      await expectForged(id, value)
    })

    test("that holds another key's digest opens nothing", async () => {
      const [mine, target] = [await projectKey(), await projectKey()]
      const elsewhere = await projects().create({ name: 'Secret' })
      await write(async (sql) => {
        const of = (id: string) => sql.selectFrom('api_keys').select(['digest', 'mac']).where('id', '=', id)
        const [{ digest, mac }] = (await of(mine.id).execute()) as [{ digest: Uint8Array; mac: Uint8Array }]
        const update = (id: string) => sql.updateTable('api_keys').where('id', '=', id)
        await update(mine.id)
          .set({ digest: new Uint8Array(32) })
          .execute()
        await update(target.id).set({ digest, mac }).execute()
      })
      await expectForged(target.id, mine.value)
      // The same key in another project.
      const moved = await projectKey()
      await write((sql) =>
        sql.updateTable('api_keys').set({ project_id: elsewhere.id }).where('id', '=', moved.id).execute(),
      )
      errors.splice(0)
      await expectForged(moved.id, moved.value)
    })

    test('that restricts a project key less opens nothing, and a change of it does not make it valid', async () => {
      const { id: account_id } = await projects().serviceAccounts.create(server.project_id, { name: 'robot' })
      const path = `/organization/projects/${server.project_id}/service_accounts/${account_id}/api_keys`
      const made = await server.request('POST', path, { name: 'low', scopes: ['api.model.read'] })
      const { id, value } = (await made.json()) as { id: string; value: string }
      expect(await server.opens(value)).toBe(200)
      await write((sql) => sql.updateTable('api_keys').set({ scopes: '[]' }).where('id', '=', id).execute())
      await expectForged(id, value)
      const changed = await server.request('POST', `/organization/projects/${server.project_id}/api_keys/${id}`, {
        expires_in_seconds: 1000,
      })
      expect(changed.status).toBe(404)
      errors.splice(0)
      await expectForged(id, value)
    })

    test('that takes the expiry off a project key opens nothing', async () => {
      const { id: account_id } = await projects().serviceAccounts.create(server.project_id, { name: 'robot' })
      const path = `/organization/projects/${server.project_id}/service_accounts/${account_id}/api_keys`
      const made = await server.request('POST', path, { name: 'short', expires_in_seconds: 1000 })
      const { id, value } = (await made.json()) as { id: string; value: string }
      expect(await server.opens(value)).toBe(200)
      await write((sql) => sql.updateTable('api_keys').set({ expires_at: null }).where('id', '=', id).execute())
      await expectForged(id, value)
    })

    test('that has no MAC, or the one of another key, opens nothing', async () => {
      const [one, other] = [await projectKey(), await projectKey()]
      await write((sql) => sql.updateTable('api_keys').set({ mac: null }).where('id', '=', one.id).execute())
      await expectForged(one.id, one.value)
      await write((sql) =>
        sql
          .updateTable('api_keys')
          .set((row) => ({
            mac: row.selectFrom('api_keys as other').select('other.mac').where('other.id', '=', other.id),
          }))
          .where('id', '=', one.id)
          .execute(),
      )
      errors.splice(0)
      await expectForged(one.id, one.value)
    })

    test('that gives a project key another owner opens nothing', async () => {
      const [one, other] = [await projectKey(), await projectKey()]
      await write((sql) =>
        sql.updateTable('api_keys').set({ owner_id: other.account_id }).where('id', '=', one.id).execute(),
      )
      await expectForged(one.id, one.value)
    })

    test('of an admin key is refused on the next call: more scopes, no expiry, another owner, brought back', async () => {
      const eve = await addPerson(server, { id: 'user-eve', email: 'eve@example.com', role: 'owner' })
      const update = (id: string, columns: object) =>
        write((sql) => sql.updateTable('admin_api_keys').set(columns).where('id', '=', id).execute())
      const reader = { scopes: ['api.management.read'] }
      const body = { name: 'Made by a forged key' }

      const raised = await adminKey(reader)
      expect([await called(raised.value), await called(raised.value, 'POST', undefined, body)]).toEqual([200, 403])
      await update(raised.id, { scopes: '["api.management.read","api.management.write"]' })
      expect([await called(raised.value, 'POST', undefined, body), await called(raised.value)]).toEqual([401, 401])

      const short = await adminKey({ expires_in_seconds: 1000 })
      expect(await called(short.value)).toBe(200)
      await update(short.id, { expires_at: null })
      expect(await called(short.value)).toBe(401)

      const given = await adminKey()
      expect(await called(given.value)).toBe(200)
      await update(given.id, { owner_id: eve })
      expect(await called(given.value)).toBe(401)

      const deleted = await adminKey()
      await server.client.admin.organization.adminAPIKeys.delete(deleted.id)
      await update(deleted.id, { deleted_at: null })
      expect(await called(deleted.value)).toBe(401)
      expect(new Set(errors.map(([, error]) => error))).toEqual(new Set([raised.id, short.id, given.id, deleted.id]))
    })

    test('is not sealed by a restart: not without a canary, not with one of another pepper', async () => {
      const { id, value } = await projectKey()
      await write((sql) => sql.updateTable('api_keys').set({ mac: null }).where('id', '=', id).execute())
      const canaries = await server.database.read
        .selectFrom('metadata')
        .selectAll()
        .where('name', 'like', 'pepper_canary%')
        .execute()
      expect(canaries.length).toBe(1)
      const put = (value: string | null) =>
        write(async (sql) => {
          await sql.deleteFrom('metadata').where('name', '=', 'pepper_canary').execute()
          if (value !== null) await sql.insertInto('metadata').values({ name: 'pepper_canary', value }).execute()
        })
      for (const forgery of [null, '00'.repeat(32)]) {
        await put(forgery)
        expect(await checkPeppers(server.database, [testPepper]).catch((error: unknown) => error)).toBeInstanceOf(
          WrongPepper,
        )
      }
      await put(canaries[0]!.value)
      await checkPeppers(server.database, [testPepper])
      await expectForged(id, value)
    })

    test('keys of a database from before there were MACs get theirs once', async () => {
      const [one, other] = [await projectKey(), await projectKey()]
      const admin = await adminKey()
      await write(async (sql) => {
        await sql.updateTable('api_keys').set({ mac: null }).where('id', '!=', other.id).execute()
        await sql.updateTable('admin_api_keys').set({ mac: null }).execute()
        const value = legacyCanary(testPepper)
        await sql.updateTable('metadata').set({ value }).where('name', '=', 'pepper_canary').execute()
      })
      await checkPeppers(server.database, [testPepper])
      await forget()
      expect([await server.opens(one.value), await server.opens(other.value), await called(admin.value)]).toEqual([
        200, 200, 200,
      ])
      const unsealed = await raw`select id from api_keys where mac is null and deleted_at is null`.execute(
        server.database.read,
      )
      expect(unsealed.rows).toEqual([])
      await write((sql) => sql.updateTable('api_keys').set({ mac: null }).where('id', '=', one.id).execute())
      await checkPeppers(server.database, [testPepper])
      errors.splice(0)
      await expectForged(one.id, one.value)
    })
  })
