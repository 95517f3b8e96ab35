/**
 * What ends a session, on every server at once; and that nobody without the pepper can make, move
 * or prolong one.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { IDLE_SECONDS } from '../../contract/sessions.ts'
import type { SessionRow } from '../../database/identity-tables.ts'
import { uniqueEmail } from '../made.ts'
import { startOther, type OtherServer } from '../other-server.ts'
import { addPerson, engines, START_MILLISECONDS, startServer } from '../setup.ts'
import type { TestServer } from '../setup.ts'
import { fromBrowser, signIn, signInAs } from './pages.ts'

const ME = '/organization/me'
let made = 0

/** Somebody with a session. */
async function newSigned(server: TestServer, person: Partial<Parameters<typeof addPerson>[1]> = {}) {
  const id = await addPerson(server, { id: `user-signed${++made}`, email: uniqueEmail(), ...person })
  return { id, cookie: await signInAs(server, id) }
}

for (const engine of engines)
  describe(`the end of a session (${engine})`, () => {
    let one: TestServer
    let other: OtherServer
    const server = () => one
    beforeAll(async () => {
      one = await startServer(engine)
      other = await startOther(one)
    }, START_MILLISECONDS)
    afterAll(async () => {
      await other.stop()
      await one.stop()
    })

    const users = () => server().client.admin.organization.users
    /** What the session is answered on both servers. */
    const seen = (cookie: string, path = ME) =>
      Promise.all([server(), other].map(async (one) => (await fromBrowser(one, cookie, 'GET', path)).status))

    test('comes with signing out', async () => {
      const cookie = await signIn(server())
      expect(await seen(cookie)).toEqual([200, 200])
      await fromBrowser(other, cookie, 'DELETE', '/organization/sessions/current')
      expect(await seen(cookie)).toEqual([401, 401])
    })

    test('comes when the person leaves the organization, also for somebody without a role there', async () => {
      const [reader, member] = [await newSigned(server()), await newSigned(server())]
      await users().update(member.id, { role: 'member' })
      const cookie = await signInAs(server(), member.id)
      expect([await seen(reader.cookie), await seen(cookie)].flat()).toEqual([200, 200, 200, 200])
      await users().delete(reader.id)
      await users().delete(member.id)
      expect([await seen(reader.cookie), await seen(cookie)].flat()).toEqual([401, 401, 401, 401])
    })

    test('comes with the role that the person signed in with', async () => {
      const [owner, reader] = [await newSigned(server(), { role: 'owner' }), await newSigned(server())]
      expect([
        await seen(owner.cookie, '/organization/users'),
        await seen(reader.cookie, '/organization/users'),
      ]).toEqual([
        [200, 200],
        [200, 200],
      ])
      await users().update(owner.id, { role: 'reader' })
      await users().update(reader.id, { role: 'member' })
      expect([await seen(owner.cookie), await seen(reader.cookie)]).toEqual([
        [401, 401],
        [401, 401],
      ])
      // They may sign in again, as what they are now.
      const again = await signInAs(server(), owner.id)
      expect(await seen(again, '/organization/users')).toEqual([200, 200])
      await users().update(owner.id, { role: 'owner' })
      expect(await seen(again)).toEqual([200, 200])
    })

    test('comes with the group that made the person an owner', async () => {
      const { groups } = server().client.admin.organization
      const { id } = await newSigned(server())
      const group = await groups.create({ name: `Owners ${id}` })
      await groups.roles.create(group.id, { role_id: 'role-api-organization-owner' })
      await groups.users.create(group.id, { user_id: id })
      const cookie = await signInAs(server(), id)
      expect(await seen(cookie)).toEqual([200, 200])
      await groups.users.delete(id, { group_id: group.id })
      expect(await seen(cookie)).toEqual([401, 401])
    })

    test('is for good: a role that is given back brings no session back', async () => {
      const { groups } = server().client.admin.organization
      const { id, cookie } = await newSigned(server(), { role: 'owner' })
      await users().update(id, { role: 'reader' })
      await users().update(id, { role: 'owner' })
      expect(await seen(cookie)).toEqual([401, 401])
      const member = await newSigned(server())
      const group = await groups.create({ name: `Given back ${id}` })
      await groups.roles.create(group.id, { role_id: 'role-api-organization-owner' })
      await groups.users.create(group.id, { user_id: member.id })
      const [one, other] = [await signInAs(server(), member.id), await signInAs(server(), member.id)]
      await groups.users.delete(member.id, { group_id: group.id })
      await groups.users.create(group.id, { user_id: member.id })
      expect([await seen(one), await seen(member.cookie)]).toEqual([
        [401, 401],
        [200, 200],
      ])
      const again = await signInAs(server(), member.id)
      await groups.roles.delete('role-api-organization-owner', { group_id: group.id })
      await groups.roles.create(group.id, { role_id: 'role-api-organization-owner' })
      expect([await seen(again), await seen(other)].flat()).toEqual([401, 401, 401, 401])
    })

    test('stands in the audit log, after the change that took the role, with whoever made it', async () => {
      const { id, cookie } = await newSigned(server(), { role: 'owner' })
      await signInAs(server(), id)
      const { json } = await fromBrowser(server(), cookie, 'GET', `/organization/sessions?user_id=${id}`)
      const sessions = json.data.map(({ id }: { id: string }) => id).toSorted()
      const newest = async () =>
        (await server().client.admin.organization.auditLogs.list({ limit: 4 })).data.map((event) => [
          event.type,
          (event['logout.succeeded'] as { id: string } | undefined)?.id ?? event['user.updated']?.id,
          event.actor?.api_key?.user?.id,
        ])
      await users().update(id, { role: 'reader' })
      const by = server().owner_id
      expect((await newest()).slice(0, 3).toReversed()).toEqual([
        ['user.updated', id, by],
        ...sessions.map((session: string) => ['logout.succeeded', session, by]),
      ])
      // Nothing is left that another change could end.
      await users().update(id, { role: 'member' })
      expect((await newest())[0]).toEqual(['user.updated', id, by])
    })

    test('stands in the audit log only of sessions that were not idle, and is for good for all', async () => {
      const { id, cookie: idle } = await newSigned(server(), { role: 'owner' })
      server().world.ahead += IDLE_SECONDS
      const cookie = await signInAs(server(), id)
      await server().events()
      await users().update(id, { role: 'reader' })
      expect(await server().events()).toEqual({ 'user.updated': 1, 'logout.succeeded': 1 })
      await users().update(id, { role: 'owner' })
      const rows = server().database.read.selectFrom('sessions').select('ended_at').where('user_id', '=', id)
      for (const { ended_at } of await rows.execute()) expect(ended_at).not.toBeNull()
      expect([await seen(idle), await seen(cookie)].flat()).toEqual([401, 401, 401, 401])
    })

    test('a role in a project that is taken away opens nothing, at once; the session stays', async () => {
      const { project_id } = server()
      const { id, cookie } = await newSigned(server(), { project_id, project_role: 'owner' })
      await users().update(id, { role: 'member' })
      const again = await signInAs(server(), id)
      const path = `/organization/projects/${project_id}/api_keys`
      expect([await seen(cookie), await seen(again, path)]).toEqual([
        [401, 401],
        [200, 200],
      ])
      await server().client.admin.organization.projects.users.delete(id, { project_id })
      expect([await seen(again, path), await seen(again)]).toEqual([
        [403, 403],
        [200, 200],
      ])
    })

    test('a change whose session ends while its body arrives changes nothing', async () => {
      const cookie = await signIn(server())
      const { promise, resolve } = Promise.withResolvers<void>()
      const body = new ReadableStream({
        async pull(controller) {
          await promise
          controller.enqueue(Buffer.from('{"name":"too late"}'))
          controller.close()
        },
      })
      const changing = fromBrowser(server(), cookie, 'POST', '/organization/projects', body)
      await fromBrowser(other, cookie, 'DELETE', '/organization/sessions/current')
      resolve()
      expect((await changing).status).toBe(401)
    })

    test('obeys the IP allow lists of the organization', async () => {
      const cookie = await signIn(server())
      const path = '/organization/ip_allowlists'
      const list = await server().request('POST', path, { name: 'Elsewhere', allowed_ips: ['198.51.100.0/24'] })
      const { id: list_id } = (await list.json()) as { id: string }
      const body = { ip_allowlist_ids: [list_id], force: true }
      expect((await fromBrowser(server(), cookie, 'POST', `${path}/activate`, body)).status).toBe(200)
      const refused = await fromBrowser(server(), cookie, 'GET', '/organization/me')
      expect(refused).toMatchObject({ status: 401, json: { error: { code: 'ip_not_authorized' } } })
      const signing = await fromBrowser(server(), null, 'POST', '/organization/sessions', {
        admin_key: server().admin_key,
      })
      expect(signing).toMatchObject({ status: 401, cookie: null, json: { error: { code: 'sign_in_failed' } } })
      await server().database.write((sql) => sql.deleteFrom('project_settings').execute())
      expect((await fromBrowser(server(), cookie, 'GET', '/organization/me')).status).toBe(200)
    })
  })

for (const engine of engines)
  describe(`a forged session (${engine})`, () => {
    let server: TestServer
    const forged: unknown[] = []
    beforeAll(async () => {
      server = await startServer(engine, { onError: (_, id) => forged.push(id) })
    }, START_MILLISECONDS)
    afterAll(() => server.stop())

    const rows = () => server.database.read.selectFrom('sessions').selectAll().orderBy('id', 'desc')
    const change = (id: string, columns: Partial<SessionRow>) =>
      server.database.write((sql) => sql.updateTable('sessions').set(columns).where('id', '=', id).execute())
    const status = async (cookie: string) => (await fromBrowser(server, cookie, 'GET', ME)).status

    const changes: Record<string, (row: SessionRow) => Partial<SessionRow>> = {
      'of another person': () => ({ user_id: server.owner_id }),
      'that lives longer': ({ expires_at }) => ({ expires_at: expires_at + 1 }),
      'that needs no role': () => ({ role: 'member' }),
      'that began otherwise': () => ({ method: 'oidc' }),
      'without its admin key': () => ({ admin_key_id: null }),
      'without a MAC': () => ({ mac: null }),
    }
    for (const [what, columns] of Object.entries(changes))
      test(`${what} opens nothing, and is reported`, async () => {
        const { cookie } = what === 'without its admin key' ? { cookie: await signIn(server) } : await newSigned(server)
        const row = await rows().executeTakeFirstOrThrow()
        expect(await status(cookie)).toBe(200)
        forged.splice(0)
        await change(row.id, columns(row))
        expect(await status(cookie)).toBe(401)
        expect(forged).toEqual([row.id])
      })

    test('that brings one back that was ended opens nothing', async () => {
      const cookie = await signIn(server)
      const row = await rows().executeTakeFirstOrThrow()
      await fromBrowser(server, cookie, 'DELETE', '/organization/sessions/current')
      await change(row.id, { ended_at: null })
      expect(await status(cookie)).toBe(401)
    })

    test('that holds the digest of another opens nothing', async () => {
      const mine = await newSigned(server)
      const row = await rows().executeTakeFirstOrThrow()
      await signIn(server)
      const target = await rows().executeTakeFirstOrThrow()
      await server.database.write(async (sql) => {
        await sql.deleteFrom('sessions').where('id', '=', row.id).execute()
        await sql
          .updateTable('sessions')
          .set({ digest: row.digest, mac: row.mac })
          .where('id', '=', target.id)
          .execute()
      })
      expect(await status(mine.cookie)).toBe(401)
    })

    test('the database has neither the token nor what could be used as one', async () => {
      const cookie = await signIn(server)
      const [, token] = cookie.split('=')
      const { digest } = await rows().executeTakeFirstOrThrow()
      expect(JSON.stringify(await rows().execute())).not.toContain(token)
      expect(await status(`__Host-keyhall=${Buffer.from(digest).toString('base64url')}`)).toBe(401)
    })
  })
