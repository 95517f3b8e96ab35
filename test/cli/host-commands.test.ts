import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { migrations } from '../../database/migrations/index.ts'
import { openDatabase } from '../../database/open.ts'
import { addPerson, emptyDatabase, engines, startServer, testPepper, type TestServer } from '../setup.ts'
import { folder, run, sentence } from './command.ts'

// Each test starts several processes.
setDefaultTimeout(60_000)

const pepper = { KEYHALL_PEPPER: Buffer.from(testPepper.reveal()).toString('hex') }

for (const engine of engines) {
  describe(`keyhall admin-keys create (${engine})`, () => {
    let server: TestServer
    beforeAll(async () => {
      server = await startServer(engine)
    })
    afterAll(() => server.stop())

    const create = (...args: string[]) =>
      run(['admin-keys', 'create', '--database', server.address, ...args], { env: pepper })

    test('makes a key that works, audited, for the owner named, until the time named', async () => {
      await addPerson(server, { id: 'user-second', email: 'Second@Example.com', role: 'owner' })
      const now = Math.floor(Date.now() / 1000)
      const made = await create('--name', 'on call', '--email', 'second@example.com', '--expires-in', '30d')
      expect(made.code).toBe(0)
      expect(await server.events()).toEqual({ 'api_key.created': 1 })
      const client = server.clientWith(made.out.trimEnd())
      const { data: keys } = await client.admin.organization.adminAPIKeys.list()
      const key = keys.find(({ name }) => name === 'on call')!
      expect(key.owner.id).toBe('user-second')
      expect(key.expires_at! - now - 30 * 86_400).toBeWithin(0, 30)
      expect(made.err).toContain(key.id)
      expect(made.err).not.toContain(made.out.trimEnd())
    })

    test('makes a key for who owns the organization through a group alone', async () => {
      const { organization } = server.client.admin
      const user_id = await addPerson(server, { id: 'user-grouped', email: 'grouped@example.com' })
      const { id: group_id } = await organization.groups.create({ name: 'Owners' })
      await organization.groups.roles.create(group_id, { role_id: 'role-api-organization-owner' })
      await organization.groups.users.create(group_id, { user_id })
      const made = await create('--email', 'grouped@example.com')
      expect(made.code).toBe(0)
      const owner = await server.clientWith(made.out.trimEnd()).admin.organization.users.retrieve(user_id)
      expect(owner.role).toBe('owner')
      await server.events()
    })

    test('refuses what it cannot do, in one sentence, and changes nothing', async () => {
      const nobody = await create('--email', 'nobody@example.com')
      expect(nobody.code).toBe(1)
      expect(sentence(nobody)).toBe('No owner of the organization has the address nobody@example.com.')
      const never = await create('--expires-in', 'soon')
      expect(never.code).toBe(2)
      expect(sentence(never)).toStartWith('--expires-in must be a lifetime')
      const past = await create('--expires-in', '2020-01-01')
      expect(past.code).toBe(2)
      const stranger = await run(['admin-keys', 'create', '--database', server.address], {
        env: { KEYHALL_PEPPER: 'b'.repeat(64) },
      })
      expect(stranger.code).toBe(1)
      expect(sentence(stranger)).toStartWith('The pepper (KEYHALL_PEPPER) is not the one')
      expect(await server.events()).toEqual({})
    })
  })

  describe(`keyhall invites link (${engine})`, () => {
    let server: TestServer
    beforeAll(async () => {
      server = await startServer(engine)
    })
    afterAll(() => server.stop())

    const link = (...args: string[]) => run(['invites', 'link', '--database', server.address, ...args], { env: pepper })
    const invite = (email: string) =>
      server.client.admin.organization.invites.create({ email, role: 'reader', projects: [] })
    const accept = async (printed: string) => {
      const token = printed.trimEnd().split('#')[1]
      const body = JSON.stringify({ token, name: 'Ann' })
      const url = 'http://keyhall.test/v1/organization/invites/accept'
      return (await server.fetch(new Request(url, { method: 'POST', body }))).status
    }

    test('prints a link that opens, audited; the one before stops working', async () => {
      const { id } = await invite('ann@example.com')
      await server.events()
      const [first, second] = [await link(id), await link(id, '--public-url', 'https://keys.example.com/team/')]
      expect(first.code).toBe(0)
      expect(first.out).toMatch(/^http:\/\/127\.0\.0\.1:4100\/invites\/accept#[0-9A-Za-z]{43}\n$/)
      expect(first.err).toContain('ann@example.com')
      expect(second.out).toStartWith('https://keys.example.com/team/invites/accept#')
      expect(await server.events()).toEqual({ 'invite.sent': 2 })
      expect(await accept(first.out)).toBe(400)
      expect(await accept(second.out)).toBe(200)
    })

    test('refuses what cannot be accepted any more, in one sentence, and changes nothing', async () => {
      const accepted = await invite('bob@example.com')
      expect(await accept((await link(accepted.id)).out)).toBe(200)
      const late = await invite('late@example.com')
      await server.database.write((sql) =>
        sql.updateTable('invites').set({ expires_at: 1 }).where('id', '=', late.id).execute(),
      )
      await server.events()
      for (const [id, said] of [
        [accepted.id, 'was already accepted'],
        [late.id, 'has expired'],
        ['invite-unknown', 'There is no invite invite-unknown'],
      ] as const) {
        const ended = await link(id)
        expect(ended.code).toBe(1)
        expect(sentence(ended)).toContain(said)
      }
      expect((await link()).code).toBe(2)
      expect((await link('one', 'two')).code).toBe(2)
      expect(await server.events()).toEqual({})
    })
  })
}

for (const engine of engines)
  test(`commands on the host leave the schema of a database as they find it (${engine})`, async () => {
    const { address, drop } = await emptyDatabase(engine)
    const sql = new Bun.SQL(address, { max: 1 })
    const tables = () =>
      engine === 'sqlite'
        ? sql`select name from sqlite_schema order by name`
        : sql`select tablename from pg_tables where schemaname = 'public' order by tablename`
    const refused = async () => {
      const before = await tables()
      const sentences = []
      for (const command of [
        ['admin-keys', 'create'],
        ['audit', 'verify'],
      ]) {
        const ended = await run([...command, '--database', address], { env: pepper })
        expect(ended.code).toBe(1)
        sentences.push(sentence(ended))
      }
      expect(await tables()).toEqual(before)
      return sentences
    }

    await sql`create table orders (id text)`
    for (const said of await refused()) expect(said).toStartWith('The database has no organization yet')

    await (await openDatabase(address)).close()
    await sql`delete from migrations where name = ${migrations.at(-1)!.name}`
    for (const said of await refused()) expect(said).toStartWith('The database was written by an older Keyhall')
    expect(await sql`select name from migrations`).toHaveLength(migrations.length - 1)
    await sql.close()
    await drop()
  })

test('commands on the host make no database where there is none', async () => {
  const home = folder()
  for (const command of [
    ['admin-keys', 'create'],
    ['audit', 'verify'],
  ]) {
    const ended = await run([...command, '--database', 'sqlite:typo/keyhall.db'], { cwd: home.path })
    expect(ended.code).toBe(1)
    expect(sentence(ended)).toStartWith('There is no database at typo/keyhall.db')
  }
  expect([...new Bun.Glob('**').scanSync({ cwd: home.path, onlyFiles: false })]).toEqual([])
  home.remove()
})
