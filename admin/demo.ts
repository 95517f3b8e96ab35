/** An organization worth looking at, for `--demo`: projects, people, service accounts and keys with a year and a half of history. */
import type { Database } from '../database/open.ts'
import type { World } from '../keys/world.ts'
import { seconds } from '../keys/world.ts'
import { appendEvents, lockOrganization } from './audit.ts'
import { DAY, DAYS } from './demo/calendar.ts'
import { tellStory } from './demo/story.ts'
import type { FirstStart } from './host.ts'

const midnight = (world: World) => seconds(world) - (seconds(world) % DAY)

/** The world at the moment when the demo's organization began, so that its first start is the oldest of its history. */
export const whenDemoBegan = (world: World): World => ({
  ...world,
  now: () => (midnight(world) - DAYS * DAY) * 1000,
})

/** Fills the organization that the first start has just made, in one transaction. Its keys open nothing: nobody was ever told their values. */
export async function fillDemo(database: Database, world: World, first: FirstStart) {
  const { organization_id, owner_id } = first
  const { projects, users, roles, accounts, keys, events } = tellStory(midnight(world), first)
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
      // A digest that belongs to no key. The values behind `redacted_value` come from a generator that anybody can run.
      .values(keys.map((key) => ({ ...key, digest: world.random(32) })))
      .execute()
    const actor = { ...owner, user_id: owner_id, ip_address: '192.0.2.17', user_agent: 'OpenAI/JS 7.57.0' }
    let [head] = await lockOrganization(sql, { organization_id })
    for (const { at, ...event } of events) head = await appendEvents(sql, head!, [event], actor, at)
  })
}
