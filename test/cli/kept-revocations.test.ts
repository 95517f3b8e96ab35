/**
 * What was revoked stays revoked when an older database is restored: the revocations file beside
 * the data.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { engines, START_MILLISECONDS } from '../setup.ts'
import { RestorableServer } from './restorable-server.ts'

// Each test starts several processes.
setDefaultTimeout(120_000)

for (const engine of engines)
  describe(`the revocations file (${engine})`, () => {
    const place = new RestorableServer(engine)
    beforeAll(() => place.open(), START_MILLISECONDS)
    afterAll(() => place.close())

    const lastLines = (count: number) =>
      readFileSync(place.file, 'utf8')
        .trimEnd()
        .split('\n')
        .slice(-count)
        .map((line) => JSON.parse(line) as Record<string, any>)

    test('keeps revoked what was revoked after the backup, and gives nothing away', async () => {
      const project = await place.done('POST', '/projects', { name: 'Search' })
      const other = await place.done('POST', '/projects', { name: 'Other' })
      const account = (name: string, project_id = project.id as string) =>
        place.done('POST', `/projects/${project_id}/service_accounts`, { name })
      const [stays, deleted, gone, archived] = [
        await account('stays'),
        await account('loses its key'),
        await account('is deleted'),
        await account('in the other project', other.id as string),
      ]
      const values = [stays, deleted, gone, archived].map(({ api_key }) => (api_key as { value: string }).value)
      const admin = await place.done('POST', '/admin_api_keys', { name: 'second' })
      const group = await place.done('POST', '/groups', { name: 'Engineers' })
      await place.done('POST', `/groups/${group.id}/users`, { user_id: gone.id })
      const invite = await place.done('POST', '/invites', { email: 'ann@example.com', role: 'reader', projects: [] })
      const restore = await place.save()

      await place.done('DELETE', `/projects/${project.id}/api_keys/${deleted.api_key.id}`)
      await place.done('DELETE', `/projects/${project.id}/service_accounts/${gone.id}`)
      await place.done('POST', `/projects/${other.id}/archive`)
      await place.done('DELETE', `/admin_api_keys/${admin.id}`)
      await place.done('DELETE', `/groups/${group.id}`)
      await place.done('DELETE', `/invites/${invite.id}`)
      const after = async () => [
        await Promise.all(values.map((value) => place.opens(value))),
        (await place.call('GET', '/users', undefined, admin.value as string)).status,
        (await place.call('GET', `/groups/${group.id}`)).status,
        (await place.call('GET', `/invites/${invite.id}`)).status,
      ]
      const wanted = [[200, 401, 401, 403], 401, 404, 404]
      expect(await after()).toEqual(wanted)
      await place.stop()

      for (let time = 0; time < 2; time++) {
        await restore()
        await place.start()
        expect(await after()).toEqual(wanted)
        const printed = await place.stop()
        expect(printed).toContain('The database is older than the revocations file')
        expect(printed).toContain(deleted.api_key.id as string)
        expect(await place.verify()).toMatchObject({ code: 0, err: '' })
      }
      // Once it is done, nothing is left to say.
      await place.start()
      expect(await after()).toEqual(wanted)
      expect(await place.stop()).not.toContain('revocations file')
      await place.start()
    })

    test('keeps a role that was taken and a key that was narrowed', async () => {
      const project = await place.done('POST', '/projects', { name: 'Narrow' })
      const account = await place.done('POST', `/projects/${project.id}/service_accounts`, { name: 'Robot' })
      const key = `/projects/${project.id}/api_keys/${account.api_key.id}`
      const robot = `/projects/${project.id}/service_accounts/${account.id}`
      await place.done('POST', robot, { role: 'owner' })
      const other = await place.done('POST', `/projects/${project.id}/service_accounts`, { name: 'Changed twice' })
      const otherKey = `/projects/${project.id}/api_keys/${other.api_key.id}`
      await place.done('POST', otherKey, { scopes: ['api.model.read'] })
      const restore = await place.save()
      await place.done('POST', robot, { role: 'member' })
      await place.done('POST', key, { scopes: ['api.model.read'] })
      // In the end as it was: the older row may do no more, and must not be taken for one put back.
      for (const scope of ['api.model.request', 'api.model.read'])
        await place.done('POST', otherKey, { scopes: [scope] })
      const state = async () => [(await place.done('GET', robot)).role, (await place.done('GET', key)).scopes]
      const narrowed = await state()
      await place.stop()
      await restore()
      await place.start()
      expect(await state()).toEqual(narrowed)
      expect(await place.opens(account.api_key.value as string)).toBe(200)
      expect(await place.opens(other.api_key.value as string)).toBe(200)
      // A later change is newer than what the file knows.
      await place.done('POST', otherKey, { scopes: ['api.model.request'] })
      expect(await place.opens(other.api_key.value as string)).toBe(200)
    })

    test('keeps an owner a reader who became one, with the keys of an owner opening nothing', async () => {
      const bob = await place.joins('bob@example.com', 'owner')
      const restore = await place.save()
      expect((await place.call('GET', '/users', undefined, bob.key)).status).toBe(200)
      await place.done('POST', `/users/${bob.id}`, { role: 'reader' })
      await place.stop()
      await restore()
      await place.start()
      expect(await place.done('GET', `/users/${bob.id}`)).toMatchObject({ role: 'reader' })
      expect((await place.call('GET', '/users', undefined, bob.key)).status).toBe(401)
    })

    test('leaves somebody to own the organization, whose keys open nothing any more', async () => {
      const restore = await place.save()
      const carol = await place.joins('carol@example.com', 'owner')
      const owner = (await place.done('GET', '/users')).data.find(
        ({ email }: { email: string }) => email === 'owner@localhost',
      ) as { id: string }
      expect((await place.call('POST', `/users/${owner.id}`, { role: 'reader' }, carol.key)).status).toBe(200)
      await place.stop()
      await restore()
      await place.start()
      expect((await place.call('GET', '/users')).status).toBe(401)
      await place.takeNewKey()
      expect(await place.done('GET', `/users/${owner.id}`)).toMatchObject({ role: 'owner' })
    })

    test('tells "audit verify" that the whole log is an older one', async () => {
      const restore = await place.save()
      await place.done('POST', '/projects', { name: 'lost' })
      await place.stop()
      await place.start()
      expect(await place.verify()).toMatchObject({ code: 0, err: '' })
      await place.stop()
      await restore()
      expect((await place.verify()).err).toMatch(/the row is missing \(a link with seq \d+ was noted\)/)
      await place.start()
      expect(await place.verify()).toMatchObject({ code: 0, err: '' })
    })

    test('has a line for each revocation before its answer, that nobody else can read or write', async () => {
      expect(statSync(place.file).mode & 0o777).toBe(0o600)
      const key = await place.done('POST', '/admin_api_keys', { name: 'short-lived' })
      await place.done('DELETE', `/admin_api_keys/${key.id}`)
      expect(lastLines(1)[0]).toMatchObject({ type: 'revocation', kind: 'key', id: key.id, state: { alive: false } })

      const living = await place.done('POST', '/admin_api_keys', { name: 'stays' })
      const line = readFileSync(place.file, 'utf8').trimEnd().split('\n').at(-1)!
      const restore = await place.save()
      await place.done('DELETE', `/admin_api_keys/${(await place.done('POST', '/admin_api_keys', { name: 'x' })).id}`)
      await place.stop()
      appendFileSync(place.file, `${line.replaceAll(key.id as string, living.id as string)}\n{"torn`)
      await restore()
      await place.start()
      expect((await place.call('GET', '/users', undefined, living.value as string)).status).toBe(200)
      await place.done('DELETE', `/admin_api_keys/${living.id}`)
      const last = readFileSync(place.file, 'utf8').trimEnd().split('\n').at(-1)!
      expect(JSON.parse(last)).toMatchObject({ id: living.id })
      expect(await place.stop()).toContain('has lines that were not made with this pepper')
      await place.start()
    })

    test('answers a revocation though the file cannot be written, says so, and writes it later', async () => {
      const key = await place.done('POST', '/admin_api_keys', { name: 'while the disk is full' })
      const content = readFileSync(place.file)
      rmSync(place.file)
      mkdirSync(place.file)
      await place.done('DELETE', `/admin_api_keys/${key.id}`)
      rmSync(place.file, { recursive: true })
      writeFileSync(place.file, content)
      const next = await place.done('POST', '/admin_api_keys', { name: 'next' })
      await place.done('DELETE', `/admin_api_keys/${next.id}`)
      expect(lastLines(2).map(({ id }) => id as string)).toEqual([key.id, next.id])
      expect(await place.stop()).toContain('could not be written; that is tried again')
      await place.start()
    })

    test('refuses a key that was deleted or narrowed when its row is written back whole, with its MAC', async () => {
      const project = await place.done('POST', '/projects', { name: 'Written back' })
      const robot = async (name: string) =>
        (await place.done('POST', `/projects/${project.id}/service_accounts`, { name })).api_key as Record<
          'id' | 'value',
          string
        >
      const [deleted, narrowed, counted] = [await robot('Deleted'), await robot('Narrowed'), await robot('Counted up')]
      const admin = await place.done('POST', '/admin_api_keys', { name: 'written back' })
      const pathOf = ({ id }: { id: string }) => `/projects/${project.id}/api_keys/${id}`
      await place.statements(
        'create table kept_keys as select id, mac, scopes, version from api_keys union all select id, mac, scopes, 0 from admin_api_keys',
      )
      await place.done('DELETE', pathOf(deleted))
      await place.done('DELETE', `/admin_api_keys/${admin.id}`)
      for (const key of [narrowed, counted]) await place.done('POST', pathOf(key), { scopes: ['api.model.read'] })
      const writeBack = (table: string, id: string, columns: string[]) =>
        `update ${table} set ${columns.map((column) => `${column} = (select ${column} from kept_keys where kept_keys.id = ${table}.id)`).join(', ')}, deleted_at = null where id = '${id}'`
      await place.statements(
        writeBack('api_keys', deleted.id, ['mac']),
        writeBack('api_keys', narrowed.id, ['mac', 'scopes', 'version']),
        writeBack('api_keys', counted.id, ['mac', 'scopes']),
        `update api_keys set version = 99 where id = '${counted.id}'`,
        writeBack('admin_api_keys', admin.id as string, ['mac']),
        'drop table kept_keys',
      )
      const opened = async () => [
        await place.opens(deleted.value),
        await place.opens(narrowed.value),
        await place.opens(counted.value),
        (await place.call('GET', '/users', undefined, admin.value as string)).status,
      ]
      expect(await opened()).toEqual([401, 401, 401, 401])
      // A change would give the old row a new version, and so make it valid.
      expect((await place.call('POST', pathOf(narrowed), { expires_in_seconds: 1000 })).status).toBe(404)
      await place.stop()
      await place.start()
      expect(await opened()).toEqual([401, 401, 401, 401])
      await place.stop()
      // Without the file nobody can tell.
      const content = readFileSync(place.file)
      rmSync(place.file)
      await place.start()
      expect(await opened()).toEqual([200, 200, 401, 200])
      await place.stop()
      writeFileSync(place.file, content)
      await place.start()
    })

    test('is believed after the pepper was rotated and the old one retired', async () => {
      const key = await place.done('POST', '/admin_api_keys', { name: 'before the rotation' })
      await place.done('DELETE', `/admin_api_keys/${key.id}`)
      await place.onHost('pepper', 'rotate')
      await place.stop()
      await place.start()
      await place.stop()
      await place.onHost('pepper', 'retire', '--force')
      await place.start()
      const { length } = readFileSync(place.file, 'utf8').trimEnd().split('\n')
      await place.takeNewKey()
      expect(length).toBeGreaterThan(3)
      expect(await place.stop()).not.toContain('were not made with this pepper')
      await place.start()
    })

    test('when it is missing, the start says how old the database is and for how many keys nobody can vouch', async () => {
      await place.stop()
      rmSync(place.file)
      await place.start()
      const printed = await place.stop()
      expect(printed).toMatch(/There is no revocations file at .* after its newest change, of \d{4}-\d\d-\d\dT/)
      expect(printed).toMatch(/"database_seq":\d+,"project_keys":\d+,"admin_keys":\d+/)
      expect(existsSync(place.file)).toBe(true)
      await place.start()
    })
  })
