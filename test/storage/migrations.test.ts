/**
 * Migrations: those that were released never change, and one that fails says so in a sentence and
 * changes nothing.
 */
import { expect, test } from 'bun:test'
import { createHash } from 'node:crypto'
import { migrate } from '../../database/migrate.ts'
import { migrations } from '../../database/migrations/index.ts'
import { dialects } from '../../database/migrations/migration.ts'
import { openDatabase } from '../../database/open.ts'
import type { Engine } from '../../database/types.ts'
import { emptyDatabase, engines } from '../setup.ts'
import { fixtures } from '../upgrade/fixture.ts'

/**
 * SHA-256 of the statements of both engines. A migration that exists is never edited: a new one
 * gets a line here.
 */
const frozen: Record<string, string> = {
  '001-first': 'ed32d8cb590ac53eaf4360ac17078ef3111389e4a3a21c1838407497d311a5fd',
  '002-people': '7d8f8c7f87a2315d2bbd46a1ae746bfc6178e30e54dc8dde3ab1b3ab5051ee2f',
  '003-revocations': '144d7785a0aaeb253919493b9b497aaf6c994181acc1dbd4c0cc60d458cb734c',
  '004-seals': 'd7c1b2faab8a14ce9c9688a0782c25912de2cc5211019005aa8d96af9468ce7d',
  '005-search': '2ffe55dd755ff4f671333f3b4f67d1251a3203ae1f58a17f598f3b9c22186392',
  '006-group-users': '40b10f555ed4c2def308e5ade62722a8426ad8f0649dadf56ee6478b18d65da7',
  '007-plain-names': '30d7ce092d07e670522f7bd75b9c4759e762f19aaae537564b59519380667505',
  '008-process-locks': 'e74af6f807bba8e63f5303f96ef03616bf4cb6907f17ad375bd2bf0320fcc5d0',
  '009-key-macs': '57ce8d4188b4987a901074a4964566b3aa5f12ec55d5d360589196141525cc92',
  '010-audit-seals': '2032001f17723673860ececf07f0e62eb4d885cdc2a72aae9fdc5bdeb5fd61e5',
  '011-commits': '12eb1d9fab49a8a74bb1d97a8701f48d57c92d16d8879ac0aa93c4640fcf984c',
  '012-unasked': 'ec47f752e0ba73b7cfdadde741bb48d8feb67467621fcca26772541a6c4eb4d1',
  '020-ledger': '431395805fa817a169b63fb147d50b62aa841e4156f6ef53242a3f9b8a94403f',
  '021-deferred': '68947b872bad9f27b2c2c5c1720dd875665b5a23ed4918a929e7b013ba80927f',
  '022-alert-attempts': 'e0d3cab74f7b46239b1ca50b4ca9fee606696f5fd10c31b16c99bc6d179de051',
  '023-key-versions': 'fb52f2e6b86688c1ba2159a8b1e476be44d2dea534bf02bceaf45ff2996dff84',
  '024-usage-kept': 'd39d21584bb8075f7c0fe0356dc30e22ff7c2abc96f547dbf8f2315d70a0f5d5',
  '025-workload-identity': 'c73f441ec590e5afdfeaea30ff7876827136d60442aaee6137b2154e1b1327a9',
  '026-series-months': 'c7fe054f5a8682d3b7f5735d3f273750ed91810985d30f09f170d060dc21664d',
  '027-project-settings': 'ab841fee8c93d89460ec04d93f2bc7372a6b728a4fceaccd42580ad2fa2464e7',
  '028-swept-servers': 'ecc376d58a61d4cdf947b91184b3978253dd09480d75f4adb67fdde99de9ae5d',
  '029-certificates': 'b08f07dff3ff7d35f451e63d00ffd5b59117fba70aabdc59304cf6316c200ecd',
  '030-registries': '27d441fe04e5526874e2b89328dd99cd4df312ae7d8ce92348169adc1b3d3282',
  '031-ip-allowlists': '6caa988d34a09f58a21193733d724ba6d9b99a4d111721d364937638b8107520',
  '033-sessions': 'dad2496560b2ccb5e701832b4b07e42867277e4e929010d4d8df329b00a01212',
  '035-signing-in': '1e37abd4752022781b418b5a96ad7978b48cf8bbaeea6a7d647f89853c5c9258',
  '036-admin-key-order': '7e4649f8d9a42c2ba755ddf9f6da284ec73a32e800940ad6f77b5cc6280b2d66',
  '040-living-sessions': 'e1fb54805b49d507ee70a83f8bae962e706098ed317443ff745b0533cfc97a8f',
  '041-window-use': '7255b9b31536dcb1cdaf601dbf733f4b0d71cad54ac78ea37a18148360b0faa8',
}

test('the statements of every migration are those that databases were made with', () => {
  const hashes = migrations.map(({ name, statements }) => {
    const text = JSON.stringify([statements(dialects.sqlite), statements(dialects.postgres)])
    return [name, createHash('sha256').update(text).digest('hex')]
  })
  expect(Object.fromEntries(hashes)).toEqual(frozen)
})

test('a migration since the last release takes nothing away from its servers, or is marked as breaking', () => {
  const newest = fixtures.at(-1)!.migrations
  const taking = /\b(drop|rename|truncate|delete)\b|alter column|add column (?!.*\bdefault\b).*\bnot null\b/i
  const since = migrations.filter(({ name, isBreaking }) => !newest.includes(name) && !isBreaking)
  expect(since.length).toBeGreaterThan(0)
  for (const { name, statements } of since)
    for (const dialect of Object.values(dialects))
      for (const statement of statements(dialect))
        expect({ name, statement }).not.toMatchObject({ statement: expect.stringMatching(taking) })
})

for (const engine of engines)
  test(`a database of a newer version opens where that version wrote that it may (${engine})`, async () => {
    const { address, drop } = await emptyDatabase(engine)
    const database = await openDatabase(address)
    const set = async (row: { name: string; value: string } | null) => {
      await database.write(async (sql) => {
        await sql.deleteFrom('metadata').where('name', '=', 'compatible_from').execute()
        if (row) await sql.insertInto('metadata').values(row).execute()
      })
    }
    const opened = () =>
      openDatabase(address).then(
        async (one) => {
          await one.close()
          return 'opened'
        },
        (error: Error) => error.message,
      )
    const [written] = await database.read
      .selectFrom('metadata')
      .selectAll()
      .where('name', '=', 'compatible_from')
      .execute()
    expect(written).toEqual({
      name: 'compatible_from',
      value: migrations.findLast(({ isBreaking }) => isBreaking)!.name,
    })
    await database.write((sql) =>
      sql
        .insertInto('migrations' as 'metadata')
        .values({ name: '999-next', applied_at: 1 } as never)
        .execute(),
    )
    expect(await opened()).toBe('opened')
    const refusal =
      'The database was written by a newer Keyhall (it has the migration "999-next", which this version does not know); start that version or a later one.'
    for (const row of [null, { name: 'compatible_from', value: '999-next' }]) {
      await set(row)
      expect(await opened()).toBe(refusal)
    }
    await set(written!)
    // One that both would have to migrate belongs to neither.
    await database.write((sql) =>
      sql
        .deleteFrom('migrations' as 'metadata')
        .where('name', '=', '011-commits')
        .execute(),
    )
    expect(await opened()).toBe(refusal)
    await database.close()
    await drop()
  })

for (const engine of engines)
  test(`a failed migration says which, why and what to do, and changes nothing (${engine})`, async () => {
    const { address, drop } = await emptyDatabase(engine)
    const database = (await openDatabase(address)) as Engine
    const tables = async () => {
      let names: string[] = []
      await database.exclusively(async (run) => {
        names = (await run(database.dialect.tables)).map((row) => (row as { name: string }).name)
      })
      return names.toSorted()
    }
    await database.write(async (sql) => {
      await sql
        .deleteFrom('migrations' as 'metadata')
        .where('name', '=', '011-commits')
        .execute()
    })
    const before = await tables()
    const sentence = await migrate(database, {}).then(String, (error: Error) => error.message)
    expect(sentence).toMatch(
      /^The migration "011-commits" failed, and the database is as it was before: .*commits.* already exists, in "create table commits .*"\. Mend what this names and start again, or go on with the version that ran before\.$/,
    )
    expect(await tables()).toEqual(before)
    await database.close()
    await drop()
  })
