/**
 * The audit chain: whatever is changed in it afterwards, by whoever can write the database, is
 * found where it was changed.
 */
import { beforeAll, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { verifyChain } from '../../admin/verify-chain.ts'
import type { AuditLogRow } from '../../database/tables.ts'
import { operations } from '../../contract/index.ts'
import { recipe } from '../recipes.ts'
import { addTenant, onBothEngines, testPepper, type Tenant } from '../setup.ts'
import { runs } from '../runs.ts'
import { auditColumns, nullableColumns } from './audit-columns.ts'

/**
 * Values that stand in a row and are changed a little: a letter, a bit, one more, to nothing and
 * from nothing.
 */
const changed = (value: unknown, how: number): unknown => {
  if (value === null) return 'x'
  if (typeof value === 'number') return value + [1, -1, 1000, -1000][how % 4]!
  if (typeof value === 'string')
    return [
      `${value} `,
      value.slice(1),
      value.replace(/[a-z]/i, (letter) => String.fromCharCode(letter.charCodeAt(0) ^ 1)),
      value.toUpperCase() === value ? `${value}x` : value.toUpperCase(),
    ][how % 4]
  const bytes = new Uint8Array(value as Uint8Array)
  bytes[how % bytes.length]! ^= 1 << (how % 8)
  return bytes
}

onBothEngines('the audit chain', (server) => {
  let rows: AuditLogRow[]
  let other: Tenant
  beforeAll(async () => {
    other = await addTenant(server())
    for (const { name, operation } of operations) {
      if (operation.method === 'GET') continue
      const { params, body } = await recipe(name).prepare(server())
      const path = operation.path.replace(/\{(\w+)\}/g, (_, param: string) => encodeURIComponent(params[param]!))
      await server().request(operation.method, path, body)
    }
    rows = await server()
      .database.read.selectFrom('audit_logs')
      .selectAll()
      .where('organization_id', '=', server().organization_id)
      .orderBy('seq')
      .execute()
    expect(rows.length).toBeGreaterThan(30)
  })

  const broken = async () => (await verifyChain(server().database.read, [testPepper])).broken
  const set = (at: { organization_id: string; seq: number }, values: Partial<AuditLogRow>) =>
    server().database.write((sql) =>
      sql
        .updateTable('audit_logs')
        .set(values)
        .where('organization_id', '=', at.organization_id)
        .where('seq', '=', at.seq)
        .execute(),
    )

  test('holds as it was written', async () => {
    expect(await broken()).toBe(null)
    expect(Object.keys(rows[0]!).toSorted()).toEqual([...auditColumns, 'organization_id'].toSorted())
  })

  test('breaks at the row of which any column was changed', async () => {
    const change = fc.record({
      row: fc.nat(),
      column: fc.constantFrom(...auditColumns),
      how: fc.nat(255),
      toNull: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(change, async ({ row: at, column, how, toNull }) => {
        const row = rows[at % rows.length]!
        const before = row[column]
        let after = changed(before, how)
        if (toNull && nullableColumns.includes(column) && before !== null) after = null
        // Another row has that number: the engine itself refuses the second.
        fc.pre(column !== 'seq' || !rows.some(({ seq }) => seq === after))
        await set(row, { [column]: after })
        const found = await broken()
        await set({ ...row, ...(column === 'seq' && { seq: after as number }) }, { [column]: before })
        const expected = column === 'seq' && (after as number) < 1 ? 1 : row.seq
        expect(found).toMatchObject({ organization_id: row.organization_id, seq: expected })
      }),
      runs(60),
    )
    expect(await broken()).toBe(null)
  })

  test('breaks when its entry is written in other words that mean the same', async () => {
    const row = rows[7]!
    await set(row, { entry: JSON.stringify(JSON.parse(row.entry), null, 1) })
    expect(await broken()).toMatchObject({ seq: row.seq })
    await set(row, { entry: row.entry })
  })

  test('breaks where rows were exchanged, removed, put in or moved to another organization', async () => {
    const { database, organization_id } = server()
    const [one, two] = [rows[4]!, rows[5]!]
    const { seq: _one, ...ofOne } = one
    const { seq: _two, ...ofTwo } = two
    // Ids must not meet on the way.
    await set(one, { id: 'audit_log-aside' })
    await set(two, ofOne)
    await set(one, ofTwo)
    expect(await broken()).toMatchObject({ organization_id, seq: one.seq })
    await set(one, { id: 'audit_log-aside' })
    await set(two, ofTwo)
    await set(one, ofOne)
    expect(await broken()).toBe(null)

    const putIn = async (row: AuditLogRow) => {
      await database.write((sql) => sql.insertInto('audit_logs').values(row).execute())
    }
    const remove = (row: AuditLogRow) =>
      database.write((sql) =>
        sql
          .deleteFrom('audit_logs')
          .where('organization_id', '=', row.organization_id)
          .where('seq', '=', row.seq)
          .execute(),
      )
    for (const row of [rows[0]!, rows[10]!, rows.at(-1)!]) {
      await remove(row)
      expect(await broken()).toMatchObject({ organization_id, seq: row.seq })
      await putIn(row)
    }
    for (const seq of [0, -7, rows.length + 1, rows.length + 100]) {
      const extra = { ...rows[3]!, seq, id: 'audit_log-extra' }
      await putIn(extra)
      expect(await broken()).toMatchObject({ organization_id })
      await remove(extra)
    }
    const last = rows.at(-1)!
    await set(last, { organization_id: other.organization_id })
    expect(await broken()).not.toBe(null)
    await set({ ...last, organization_id: other.organization_id }, { organization_id })
    expect(await broken()).toBe(null)
  })

  test('breaks when its head was changed or taken away', async () => {
    const { database, organization_id } = server()
    const head = await database.read
      .selectFrom('audit_heads')
      .selectAll()
      .where('organization_id', '=', organization_id)
      .executeTakeFirstOrThrow()
    const update = (values: Partial<typeof head>) =>
      database.write((sql) =>
        sql.updateTable('audit_heads').set(values).where('organization_id', '=', organization_id).execute(),
      )
    for (const values of [
      { seq: head.seq - 1 },
      { seq: head.seq + 1 },
      { hash: changed(head.hash, 3) as Uint8Array },
    ]) {
      await update(values)
      expect(await broken()).toMatchObject({ organization_id })
      await update(head)
    }
    await database.write((sql) =>
      sql.deleteFrom('audit_heads').where('organization_id', '=', organization_id).execute(),
    )
    expect(await broken()).toMatchObject({ organization_id })
    const response = await server().request('POST', '/organization/projects', { name: 'unlogged' })
    expect(response.status).toBe(503)
    await database.write((sql) => sql.insertInto('audit_heads').values(head).execute())
    expect(await broken()).toBe(null)
  })

  test('can be walked while it grows', async () => {
    let found: unknown = null
    const growing = Promise.all(
      Array.from({ length: 60 }, (_, n) => server().request('POST', '/organization/projects', { name: `grows ${n}` })),
    )
    for (let n = 0; n < 10; n++) found ??= await broken()
    await growing
    expect(found).toBe(null)
  })
})
