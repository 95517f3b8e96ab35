/**
 * Somebody who can write the database and knows everything but the pepper changes the audit log:
 * with one statement or two, with or without hashing the whole chain anew, and with or without the
 * server going on afterwards. `keyhall audit verify` finds it.
 */
import { beforeAll, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { link } from '../../admin/audit-chain.ts'
import { sealHead, sealRow } from '../../admin/audit-seal.ts'
import { verifyChain } from '../../admin/verify-chain.ts'
import { verifyNewest } from '../../admin/verify-newest.ts'
import type { AuditHeadRow, AuditLogRow } from '../../database/tables.ts'
import { Secret } from '../../world/secret.ts'
import { onBothEngines, testPepper, type TestServer } from '../setup.ts'
import { runs } from '../runs.ts'
import { auditColumns, nullableColumns } from './audit-columns.ts'

interface Log {
  rows: AuditLogRow[]
  head: AuditHeadRow | undefined
}

type Tampering = (log: Log) => void

const strangersPepper = new Secret(new Uint8Array(32).fill(8))

const headColumns = [
  'seq',
  'hash',
  'sealed_from',
  'doubtful_seq',
  'seal',
  'pepper_name',
] as const satisfies (keyof AuditHeadRow)[]
const nullable = [...nullableColumns, 'pepper_name', 'sealed_from', 'doubtful_seq']

/** The value changed a little, or taken away. */
function changed(column: string, value: unknown, how: number): unknown {
  if (nullable.includes(column) && how % 3 === 0) return value === null ? 1 : null
  if (typeof value === 'number' || value === null) return Number(value) + [1, -1, 1000][how % 3]!
  if (typeof value === 'string') return [`${value} `, value.slice(1), `${value.slice(0, -1)}!`][how % 3]
  const bytes = new Uint8Array(value as Uint8Array)
  bytes[how % bytes.length]! ^= 1 << (how % 8)
  return bytes
}

const at = <Item>(items: readonly Item[], n: number) => items[n % items.length]!

const tampering: fc.Arbitrary<Tampering> = fc.oneof(
  fc.nat().map(
    (n): Tampering =>
      ({ rows }) =>
        void rows.splice(n % rows.length, 1),
  ),
  fc.nat(9).map(
    (n): Tampering =>
      ({ rows }) =>
        void rows.splice(rows.length - 1 - n),
  ),
  fc.constant<Tampering>(({ rows }) => void rows.splice(0)),
  fc.constant<Tampering>((log) => (log.head = undefined)),
  fc.tuple(fc.nat(), fc.constantFrom(...auditColumns), fc.nat(99)).map(([n, column, how]): Tampering => ({ rows }) => {
    const row = at(rows, n)
    if (row) Object.assign(row, { [column]: changed(column, row[column], how) })
  }),
  fc.tuple(fc.constantFrom(...headColumns), fc.nat(99)).map(([column, how]): Tampering => ({ head }) => {
    if (head) Object.assign(head, { [column]: changed(column, head[column], how) })
  }),
  fc.tuple(fc.nat(), fc.nat()).map(([from, to]): Tampering => ({ rows }) => {
    if (rows.length > 0) rows.splice(to % rows.length, 0, { ...at(rows, from), id: 'audit_log-put-in' })
  }),
  fc.tuple(fc.nat(), fc.nat()).map(([one, other]): Tampering => ({ rows }) => {
    if (rows.length === 0) return
    const [first, second] = [at(rows, one), at(rows, other)]
    ;[first.seal, second.seal] = [second.seal, first.seal]
  }),
  fc.nat().map((n): Tampering => ({ rows, head }) => {
    if (head && rows.length > 0) head.seal = at(rows, n).seal
  }),
  fc.constant<Tampering>(({ rows }) => {
    for (const row of rows) {
      row.actor_email = 'else@example.com'
      // The other statement may have made it no JSON.
      row.entry = row.entry.replace(/"email":"[^"]*"/, '"email":"else@example.com"')
    }
  }),
)

/** What the attacker does to the chain afterwards, so that its hashes hold again. */
const coverUps: Record<string, (log: Log) => void> = {
  nothing: () => {},
  'hash anew': relink,
  'hash anew and take the seals away': (log) => {
    relink(log)
    for (const row of log.rows) [row.seal, row.pepper_name] = [null, null]
    if (log.head) Object.assign(log.head, { seal: null, pepper_name: null, sealed_from: null })
  },
  'hash anew and say that only later rows are sealed': (log) => {
    relink(log)
    for (const row of log.rows) [row.seal, row.pepper_name] = [null, null]
    if (log.head) log.head.sealed_from = log.rows.length + 1
  },
  'hash anew and seal with another pepper': (log) => {
    relink(log)
    for (const row of log.rows) Object.assign(row, sealRow(strangersPepper, row))
    if (log.head) log.head = sealHead(strangersPepper, log.head)
  },
  'move the head to the last row': ({ rows, head }) => {
    const last = rows.at(-1)
    if (last && head) Object.assign(head, { seq: last.seq, hash: last.hash })
  },
}

/** Numbers the rows 1, 2, 3, …, computes their hashes and moves the head. */
function relink({ rows, head }: Log) {
  let hash: Uint8Array = new Uint8Array(32)
  rows.forEach((row, index) => {
    hash = link(hash, row.entry)
    Object.assign(row, { seq: index + 1, hash })
  })
  if (head) Object.assign(head, { seq: rows.length, hash })
}

onBothEngines('a tampered audit log', (server) => {
  let whole: Log
  beforeAll(async () => {
    const { projects } = server().client.admin.organization
    for (let n = 0; n < 12; n++) await projects.create({ name: `project ${n}` })
    whole = await read(server())
    expect(whole.rows).toHaveLength(14)
  })

  test('is found, whatever was done to it by who lacks the pepper', async () => {
    const attack = fc.record({
      tamperings: fc.array(tampering, { minLength: 1, maxLength: 2 }),
      coverUp: fc.constantFrom(...Object.keys(coverUps)),
      serverGoesOn: fc.boolean(),
    })
    let found = 0
    await fc.assert(
      fc.asyncProperty(attack, async ({ tamperings, coverUp, serverGoesOn }) => {
        const log = structuredClone(whole)
        for (const tamper of tamperings) tamper(log)
        coverUps[coverUp]!(log)
        fc.pre(canonical(log) !== canonical(whole))
        fc.pre(isStorable(log))
        await write(server(), log)
        if (serverGoesOn) await server().request('POST', '/organization/projects', { name: 'afterwards' })
        const { broken } = await verifyChain(server().database.read, [testPepper])
        const newest = await verifyNewest(server().database.read, [testPepper], server().organization_id, 1000)
        await write(server(), whole)
        if (!broken) throw new Error(`not found: ${coverUp} after ${tamperings.length} statements: ${canonical(log)}`)
        expect(newest.broken).toMatchObject({ why: expect.any(String) })
        expect(broken).toMatchObject({ organization_id: server().organization_id, why: expect.any(String) })
        found += 1
      }),
      runs(60),
    )
    if (process.env.TEST_RUNS) console.log(`${found} of ${found} tamperings were found (${server().engine})`)
    expect((await verifyChain(server().database.read, [testPepper])).broken).toBe(null)
  }, 600_000)
})

const canonical = ({ rows, head }: Log) =>
  JSON.stringify([...rows.toSorted((one, other) => one.seq - other.seq), head ?? {}].map(inHexadecimal))

const inHexadecimal = (row: object) =>
  Object.entries(row).map(([column, value]) => [
    column,
    value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
  ])

/** Two rows of one number, or with one id, no engine takes. */
const isStorable = ({ rows }: Log) =>
  new Set(rows.map(({ seq }) => seq)).size === rows.length && new Set(rows.map(({ id }) => id)).size === rows.length

async function read({ database, organization_id }: TestServer): Promise<Log> {
  const rows = database.read.selectFrom('audit_logs').selectAll().where('organization_id', '=', organization_id)
  const head = database.read.selectFrom('audit_heads').selectAll().where('organization_id', '=', organization_id)
  return { rows: await rows.orderBy('seq').execute(), head: await head.executeTakeFirst() }
}

const write = ({ database }: TestServer, { rows, head }: Log) =>
  database.write(async (sql) => {
    await sql.deleteFrom('audit_logs').execute()
    await sql.deleteFrom('audit_heads').execute()
    if (rows.length > 0) await sql.insertInto('audit_logs').values(rows).execute()
    if (head) await sql.insertInto('audit_heads').values(head).execute()
  })
