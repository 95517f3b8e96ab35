/**
 * An organization worth looking at, for `--demo`: projects, people, service accounts and keys with
 * a year and a half of history, and what they used in the last weeks.
 */
import type { Database } from '../../database/types.ts'
import type { Pepper } from '../../keys/digest.ts'
import { withMac } from '../../keys/key-mac.ts'
import type { World } from '../../world/world.ts'
import { seconds } from '../../world/world.ts'
import { rollUp } from '../../ledger/usage-rows.ts'
import { appendEvents, lockOrganization } from '../audit-chain.ts'
import { DAY, DAYS } from './calendar.ts'
import { demoRows } from './demo-rows.ts'
import { budgetsOf } from './make-usage.ts'
import type { FirstStart } from '../bootstrap.ts'

/** Cents a month, a little more than is spent. */
const budget = { project_id: '', threshold_amount: 25_000, currency: 'USD', interval: 'month' }

const midnight = (world: World) => seconds(world) - (seconds(world) % DAY)

/**
 * A world whose clock is at the beginning of the demo's history, so that the organization is older
 * than everything in it.
 */
export const whenDemoBegan = (world: World): World => ({
  ...world,
  now: () => (midnight(world) - DAYS * DAY) * 1000,
})

/**
 * Fills the organization that the first start has just made, in one transaction. Its keys open
 * nothing, because their values are not stored.
 */
export async function fillDemo(database: Database, pepper: Pepper, world: World, first: FirstStart) {
  const { organization_id, owner_id } = first
  const { projects, users, roles, accounts, keys, events, usage } = demoRows(midnight(world), first)
  await database.write(async (sql) => {
    const owner = await sql
      .selectFrom('users as user')
      .innerJoin('admin_api_keys as key', 'key.owner_id', 'user.id')
      .select(['user.email', 'key.id as key_id'])
      .where('user.organization_id', '=', organization_id)
      .where('user.id', '=', owner_id)
      .executeTakeFirstOrThrow()
    await sql.insertInto('projects').values(projects).execute()
    await sql.insertInto('users').values(users).execute()
    await sql.insertInto('role_assignments').values(roles).execute()
    await sql.insertInto('service_accounts').values(accounts).execute()
    await sql
      .insertInto('api_keys')
      // A random digest that belongs to no key. The values of the keys come from a generator that
      // anybody can run, so their own digests would let anybody in.
      .values(keys.map((key) => withMac(pepper, 'api_keys', { ...key, digest: world.random(32) })))
      .execute()
    await rollUp(sql, database.engine, usage)
    await sql.insertInto('budgets').values(budgetsOf(usage)).execute()
    await sql
      .insertInto('spend_limits')
      .values({ ...budget, organization_id, updated_at: seconds(world) })
      .execute()
    const actor = { ...owner, user_id: owner_id, ip_address: '192.0.2.17', user_agent: 'OpenAI/JS 7.57.0' }
    let [head] = await lockOrganization(sql, { organization_id })
    for (const { at, ...event } of events) head = await appendEvents(sql, [pepper], head!, [event], actor, at)
  })
}
