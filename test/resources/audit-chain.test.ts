/** The newest link of the audit log, and whether what stands before it is what Keyhall wrote. */
import { beforeAll, expect, test } from 'bun:test'
import { verifyChain } from '../../admin/verify-chain.ts'
import { verifyNewest } from '../../admin/verify-newest.ts'
import { onBothEngines, testPepper, type TestServer } from '../setup.ts'

const retrieve = async ({ request }: TestServer) =>
  (await request('GET', '/organization/audit_logs/chain')).json() as Promise<any>

const newestOf = ({ database, organization_id }: TestServer, most: number) =>
  verifyNewest(database.read, [testPepper], organization_id, most)

/** Changes the actor of a row, runs what looks at the log, and puts the row back. */
async function whileForged<Found>({ database }: TestServer, seq: number, look: () => Promise<Found>): Promise<Found> {
  const { actor_email } = await database.read
    .selectFrom('audit_logs')
    .select('actor_email')
    .where('seq', '=', seq)
    .executeTakeFirstOrThrow()
  const set = (actor_email: string | null) =>
    database.write((sql) => sql.updateTable('audit_logs').set({ actor_email }).where('seq', '=', seq).execute())
  await set('else@example.com')
  try {
    return await look()
  } finally {
    await set(actor_email)
  }
}

onBothEngines('the chain of the audit log', (server) => {
  beforeAll(async () => {
    for (let n = 0; n < 6; n++) await server().request('POST', '/organization/projects', { name: `project ${n}` })
  })

  test('answers the newest link, which "keyhall audit verify" takes', async () => {
    const { database, organization_id } = server()
    const { newest, ...others } = await retrieve(server())
    expect(others).toEqual({ object: 'organization.audit_log.chain', checked_from: 1, broken: null })
    expect(newest).toEqual({
      seq: 8,
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      link: `${organization_id}:8:${newest.hash}`,
    })
    const noted = (hash: string) => [{ organization_id, seq: newest.seq, hash }]
    expect((await verifyChain(database.read, [testPepper], noted(newest.hash))).broken).toBe(null)
    expect((await verifyChain(database.read, [testPepper], noted('0'.repeat(64)))).broken).not.toBe(null)
  })

  test('says which event does not hold', async () => {
    const { newest, broken } = await whileForged(server(), 7, () => retrieve(server()))
    // The head is what somebody notes, wherever the chain is broken.
    expect(newest.seq).toBe(8)
    expect(broken).toEqual({ seq: 7, why: 'its column "actor_email" does not agree with its entry' })
    expect((await retrieve(server())).broken).toBe(null)
  })

  test('looks at the newest events only', async () => {
    const found = await whileForged(server(), 4, async () => [await newestOf(server(), 4), await newestOf(server(), 5)])
    expect(found.map(({ checked_from, broken }) => ({ checked_from, seq: broken?.seq ?? null }))).toEqual([
      { checked_from: 5, seq: null },
      { checked_from: 4, seq: 4 },
    ])
  })
})
