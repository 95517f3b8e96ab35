/** `keyhall audit verify`: what it says of a whole log, and each damage that it finds. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { sql as raw } from 'kysely'
import { createHash } from 'node:crypto'
import type { Sql } from '../../database/types.ts'
import { engines, startServer, testPepper, type TestServer } from '../setup.ts'
import { run, sentence } from './command.ts'

// Each test starts several processes.
setDefaultTimeout(60_000)

const pepper = { KEYHALL_PEPPER: Buffer.from(testPepper.reveal()).toString('hex') }

for (const engine of engines) {
  describe(`keyhall audit verify (${engine})`, () => {
    let server: TestServer
    beforeAll(async () => {
      server = await startServer(engine)
      for (const name of ['one', 'two', 'three', 'four'])
        await server.client.admin.organization.projects.create({ name })
    })
    afterAll(() => server.stop())

    const audit = (...args: string[]) => run(['audit', ...args, '--database', server.address], { env: pepper })
    const verify = (...args: string[]) => audit('verify', ...args)

    test('says how many rows hold and which is the newest', async () => {
      const whole = await verify()
      expect(whole).toMatchObject({ code: 0, err: '' })
      expect(whole.out).toMatch(/^The audit log is whole: 6 rows\.\nNewest link: org-\w+:6:[0-9a-f]{64}\n$/)
    })

    const change = (statement: string) => (sql: Sql) => raw.raw(statement).execute(sql)
    const damages: [what: string, damage: (sql: Sql) => Promise<unknown>, says: RegExp][] = [
      [
        'a changed entry',
        change("update audit_logs set entry = replace(entry, 'two', 'owt') where seq = 4"),
        /seq 4: its hash/,
      ],
      [
        'a changed column',
        change("update audit_logs set actor_email = 'else@example.com' where seq = 3"),
        /seq 3: its column "actor_email"/,
      ],
      ['a deleted row in the middle', change('delete from audit_logs where seq = 5'), /seq 5: the row is missing/],
      ['a deleted last row', change('delete from audit_logs where seq = 6'), /seq 6: the row is missing/],
      ['a forged head', change('update audit_heads set seq = 5'), /seq 6: the head of the chain/],
      ['a deleted head', change('delete from audit_heads'), /seq 6: the head of the chain is missing/],
      [
        'a row put in at the end',
        async (sql) => {
          const last = await sql.selectFrom('audit_logs').selectAll().where('seq', '=', 6).executeTakeFirstOrThrow()
          await sql
            .insertInto('audit_logs')
            .values({ ...last, id: 'audit_log-forged', seq: 7 })
            .execute()
        },
        /seq 7: its hash/,
      ],
      [
        'a row that is no event, with a hash that fits',
        async (sql) => {
          const { hash } = await sql
            .selectFrom('audit_logs')
            .select('hash')
            .where('seq', '=', 5)
            .executeTakeFirstOrThrow()
          const entry = 'not an event'
          const length = Buffer.alloc(8)
          length.writeBigUInt64BE(BigInt(entry.length))
          const forged = createHash('sha256').update(hash).update(length).update(entry).digest()
          await sql.updateTable('audit_logs').set({ entry, hash: forged }).where('seq', '=', 6).execute()
        },
        /seq 6: its column "entry"/,
      ],
    ]
    const undoing = async (work: () => Promise<void>) => {
      const rows = await server.database.read.selectFrom('audit_logs').selectAll().execute()
      const heads = await server.database.read.selectFrom('audit_heads').selectAll().execute()
      await work()
      await server.database.write(async (sql) => {
        await sql.deleteFrom('audit_logs').execute()
        await sql.deleteFrom('audit_heads').execute()
        await sql.insertInto('audit_heads').values(heads).execute()
        await sql.insertInto('audit_logs').values(rows).execute()
      })
    }
    for (const [what, damage, says] of damages)
      test(`finds ${what}`, () =>
        undoing(async () => {
          await server.database.write(damage)
          const broken = await verify()
          expect(broken).toMatchObject({ code: 1, out: '' })
          expect(sentence(broken)).toMatch(says)
        }))

    test('finds a cut-off end even if the head was cut and the server went on', () =>
      undoing(async () => {
        await server.database.write(async (sql) => {
          const { hash } = await sql
            .selectFrom('audit_logs')
            .select('hash')
            .where('seq', '=', 4)
            .executeTakeFirstOrThrow()
          await sql.deleteFrom('audit_logs').where('seq', '>', 4).execute()
          await sql.updateTable('audit_heads').set({ seq: 4, hash }).execute()
        })
        expect(sentence(await verify())).toMatch(/seq 4: its seal is not one .* rows after it were cut off/)
        await server.client.admin.organization.projects.create({ name: 'afterwards' })
        expect(sentence(await verify())).toMatch(
          /seq 5: when this row was written, the head before it had no valid seal/,
        )
        const accepted = await audit('accept')
        expect(accepted).toMatchObject({ code: 0, err: '' })
        expect(accepted.out).toMatch(/^Accepted and sealed. It was: .* seq 5/)
        expect(await verify()).toMatchObject({ code: 0, err: '' })
      }))

    test('accepts nothing whose rows do not hold', () =>
      undoing(async () => {
        await server.database.write(change("update audit_logs set entry = replace(entry, 'two', 'owt') where seq = 4"))
        const refused = await audit('accept')
        expect(refused).toMatchObject({ code: 1, out: '' })
        expect(sentence(refused)).toMatch(/seq 4: its hash .* This cannot be accepted/)
      }))

    test('finds by a link that was noted elsewhere that the whole log is an older one', () =>
      undoing(async () => {
        const { out } = await verify()
        const [, organization_id, newest] = /Newest link: (org-\w+):(6:\w+)\n/.exec(out)!
        const older = {
          rows: await server.database.read.selectFrom('audit_logs').selectAll().execute(),
          heads: await server.database.read.selectFrom('audit_heads').selectAll().execute(),
        }
        await server.client.admin.organization.projects.create({ name: 'five' })
        const later = (await verify()).out.trimEnd().split('Newest link: ')[1]!
        expect(await verify('--link', newest!, '--link', later)).toMatchObject({ code: 0, err: '' })
        await server.database.write(async (sql) => {
          await sql.deleteFrom('audit_logs').execute()
          await sql.updateTable('audit_heads').set(older.heads[0]!).execute()
          await sql.insertInto('audit_logs').values(older.rows).execute()
        })
        expect((await verify()).code).toBe(0)
        expect((await verify('--link', newest!)).code).toBe(0)
        const cut = await verify('--link', later)
        expect(cut).toMatchObject({ code: 1, out: '' })
        expect(sentence(cut)).toMatch(/seq 7: the row is missing \(a link with seq 7 was noted\)/)
        const other = await verify('--link', `${organization_id}:5:${'0'.repeat(64)}`)
        expect(sentence(other)).toMatch(/seq 5: its hash is not the one of the link that was noted/)
        const elsewhere = await verify('--link', `org-none:5:${'0'.repeat(64)}`)
        expect(sentence(elsewhere)).toMatch(/of org-none is broken at seq 5: the whole chain is missing/)
        expect((await verify('--link', 'seven')).code).toBe(2)
      }))
  })
}
