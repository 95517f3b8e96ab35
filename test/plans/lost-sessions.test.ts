/** What it costs to look for sessions that a change of roles ends. */
import { beforeAll, expect, test } from 'bun:test'
import { endLostSessions } from '../../admin/sessions/end-lost-sessions.ts'
import type { Sql } from '../../database/types.ts'
import { onBothEngines } from '../setup.ts'
import { signInAs } from '../sessions/pages.ts'
import { analyze, plannedIn } from './query-plans.ts'

const ENDED = 100_000

onBothEngines('the plans of ending sessions', (server) => {
  beforeAll(async () => {
    const { database, organization_id, owner_id } = server()
    await signInAs(server(), owner_id)
    await database.write((sql) => addEnded(sql, organization_id))
    await analyze(server())
  }, 120_000)

  const changes = {
    'a change of one person': { scope: 'owner', id: 'user-often1' },
    'a change of a role or a group': { scope: 'organization' },
  } as const
  for (const [what, scope] of Object.entries(changes))
    test(`${what} finds the living sessions in an index of their own`, async () => {
      const { organization_id } = server()
      const plans = await plannedIn(server(), (sql) =>
        endLostSessions(sql, organization_id, [{ organization_id, ...scope }], 1_700_000_000, () => ''),
      )
      expect(plans).toHaveLength(1)
      expect(plans[0]).toMatch(/sessions_living/)
      expect(plans[0]).not.toMatch(/Seq Scan on sessions|SCAN/)
    })
})

/** Sessions of twenty people, which ended but have not expired. */
async function addEnded(sql: Sql, organization_id: string) {
  const rows = Array.from({ length: ENDED }, (_, n) => ({
    organization_id,
    id: `sess_${n}`,
    digest: Buffer.from(`digest ${n}`),
    user_id: `user-often${n % 20}`,
    role: 'reader',
    method: 'link',
    created_at: 1_700_000_000,
    expires_at: 1_700_043_200,
    last_used_at: 1_700_000_000,
    ended_at: 1_700_000_100,
  }))
  for (let n = 0; n < ENDED; n += 1000)
    await sql
      .insertInto('sessions')
      .values(rows.slice(n, n + 1000))
      .execute()
}
