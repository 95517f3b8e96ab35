/** A database that an older Keyhall wrote: nothing that it holds is lost. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { sql } from 'kysely'
import { people } from '../../database/migrations/002-people.ts'
import { openDatabase } from '../../database/open.ts'
import type { Engine } from '../../database/types.ts'
import { base62, base62Number } from '../../world/random.ts'
import { folder, serve } from '../cli/command.ts'
import { addPerson, emptyDatabase, engines, START_MILLISECONDS, startServer } from '../setup.ts'

/** Undoes 007. */
const oldNames = ({ renameConstraint }: Engine['dialect']) => [
  ...renameConstraint('left_memberships', 'left_memberships_pkey', 'departed_pkey'),
  ...renameConstraint('left_memberships', 'left_memberships_organization_id_fkey', 'departed_organization_id_fkey'),
  ...renameConstraint('metadata', 'metadata_pkey', 'properties_pkey'),
  ...renameConstraint('counters', 'counters_pkey', 'epochs_pkey'),
  'alter table left_memberships rename to departed',
  'alter table metadata rename to properties',
  'alter table counters rename to epochs',
  `update epochs set name = 'authority'`,
  'alter table api_keys rename column last_used_sort to last_used_place',
  'alter table api_keys rename column expires_sort to expires_place',
  'alter table admin_api_keys rename column is_imported to is_foreign',
  'alter table nodes rename column is_evicted to is_leaving',
  `delete from migrations where name = '007-plain-names'`,
]

/** A key as it was made before there were seals. */
function unsealedKey() {
  const unchecked = `sk-admin-1KyHaLl${base62(randomBytes, 43)}`
  return unchecked + base62Number(crc32(unchecked), 6)
}

for (const engine of engines)
  describe(`keys from before there were seals (${engine})`, () => {
    const home = folder()
    let database: Awaited<ReturnType<typeof emptyDatabase>>
    beforeAll(async () => {
      database = await emptyDatabase(engine)
    }, START_MILLISECONDS)
    afterAll(async () => {
      await database.drop()
      home.remove()
    })

    /** What a server says to these keys. */
    async function opened(keys: string[], env: Record<string, string> = {}) {
      const server = await serve(database.address, ['--pepper-file', `${home.path}/pepper`], { env })
      const answers = keys.map(async (key) => {
        const headers = { authorization: `Bearer ${key}` }
        return (await fetch(`${server.url}/v1/organization/users`, { headers })).status
      })
      const statuses = await Promise.all(answers)
      server.signal('SIGTERM')
      await server.ended
      return statuses
    }

    async function change(statements: (dialect: Engine['dialect']) => string[]) {
      const storage = await openDatabase(database.address, { asItIs: true })
      await storage.write(async (db) => {
        for (const statement of statements((storage as Engine).dialect)) await sql.raw(statement).execute(db)
      })
      await storage.close()
    }

    test('go on opening after the upgrade, and only where there were some', async () => {
      const [key, guess] = [unsealedKey(), unsealedKey()]
      expect(await opened([key, guess], { KEYHALL_ADMIN_KEY: key })).toEqual([200, 401])
      await change(() => ['update admin_api_keys set is_imported = 0'])
      expect(await opened([key, guess])).toEqual([401, 401])
      // 004 is run again, on the names of its time.
      await change((dialect) => [...oldNames(dialect), `delete from migrations where name = '004-seals'`])
      expect(await opened([key, guess])).toEqual([200, 401])
    }, 60_000)
  })

for (const engine of engines)
  describe(`members of groups from before service accounts could be some (${engine})`, () => {
    test('are kept in their order, and accounts join them', async () => {
      const on = await emptyDatabase(engine)
      const server = await startServer(engine, { on: { ...on, drop: async () => {} } })
      const { organization_id, project_id, client } = server
      const { groups, projects } = client.admin.organization
      const group = await groups.create({ name: 'Old' })
      const ids = []
      for (const n of [3, 1, 2]) {
        server.world.ahead += 1
        const user_id = await addPerson(server, { id: `user-${n}`, email: `${n}@example.com` })
        await groups.users.create(group.id, { user_id })
        ids.push(user_id)
      }
      const account = await projects.serviceAccounts.create(project_id, { name: 'Robot' })
      await server.database.write(async (db) => {
        // The table as 002 made it.
        const old = people
          .statements((server.database as unknown as Engine).dialect)
          .filter((statement) => statement.includes('group_users'))
        for (const statement of [
          'create table kept as select * from group_users',
          'drop table group_users',
          ...old,
          'insert into group_users select organization_id, group_id, user_id, created_at from kept',
          'drop table kept',
          `delete from migrations where name = '006-group-users'`,
        ])
          await sql.raw(statement).execute(db)
      })
      const join = { organization_id, group_id: group.id, user_id: account.id, created_at: 1 }
      const insert = () => server.database.write((db) => db.insertInto('group_users').values(join).execute())
      expect(await insert().then(String, String)).toMatch(/foreign key|FOREIGN KEY/)

      // Another process brings the schema up to date; this one goes on with the statements that it
      // prepared.
      await (await openDatabase(server.address)).close()
      expect((await groups.users.list(group.id, { order: 'asc' })).data.map(({ id }) => id)).toEqual(ids)
      await groups.users.create(group.id, { user_id: account.id })
      expect((await groups.users.list(group.id)).data.map(({ id }) => id)).toEqual([account.id, ...ids.toReversed()])
      expect(await insert().then(String, String)).toMatch(/unique|UNIQUE|duplicate|already/)
      const nowhere = server.database.write((db) =>
        db
          .insertInto('group_users')
          .values({ ...join, group_id: 'group_none' })
          .execute(),
      )
      expect(await nowhere.then(String, String)).toMatch(/foreign key|FOREIGN KEY/)
      await server.stop()
      await on.drop()
    }, 60_000)
  })
