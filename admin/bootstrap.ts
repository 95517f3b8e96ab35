/**
 * What happens on the host and not over HTTP: the first organization, and an admin key for an
 * operator who has lost all others.
 */
import { sql as raw } from 'kysely'
import { adminScopes } from '../contract/scopes.ts'
import type { Database, Sql } from '../database/types.ts'
import { lowerAscii } from '../database/statement.ts'
import { isOrganizationOwner } from '../keys/access.ts'
import { digest, type Pepper, type Peppers } from '../keys/digest.ts'
import { withMac } from '../keys/key-mac.ts'
import { makeKey, redact, redactForeign } from '../keys/format.ts'
import { newId } from '../world/random.ts'
import { seconds, type World } from '../world/world.ts'
import { appendEvents, emptyHead, lockOrganization, type Actor, type RecordedEvent } from './audit-chain.ts'
import { sealHead } from './audit-seal.ts'

export interface FirstStart {
  organization_id: string
  owner_id: string
  project_id: string
  /** Null when the operator chose the key. */
  admin_key: string | null
}

export interface OrganizationSettings {
  owner_email: string
  /** Null to have one made. */
  admin_key: string | null
  organization_name?: string
  owner_name?: string
}

/**
 * On an empty database: an organization, its owner, its Default project and an admin key, in one
 * transaction. Null when there is an organization already.
 */
export async function firstStart(
  database: Database,
  pepper: Pepper,
  world: World,
  settings: OrganizationSettings,
): Promise<FirstStart | null> {
  return database.write(async (sql) => {
    // Two servers may start on one empty database: the first to take this row makes the
    // organization.
    await sql
      .updateTable('metadata')
      .set({ value: raw`value` })
      .where('name', '=', 'pepper_canary')
      .execute()
    if ((await sql.selectFrom('organizations').select('id').limit(1).execute()).length > 0) return null
    return addOrganization(sql, pepper, world, settings)
  })
}

/**
 * An organization with its owner, its Default project and an admin key; `sql` is a change under
 * way.
 */
export async function addOrganization(
  sql: Sql,
  pepper: Pepper,
  world: World,
  { owner_email, admin_key: chosen, organization_name = 'My organization', owner_name = 'Owner' }: OrganizationSettings,
): Promise<FirstStart> {
  const created_at = seconds(world)
  const organization_id = newId('org-', world)
  const owner_id = newId('user-', world)
  const project_id = newId('proj_', world)
  const key = chosen ?? makeKey('admin', world.random, pepper)
  await sql.insertInto('organizations').values({ id: organization_id, name: organization_name, created_at }).execute()
  await sql
    .insertInto('audit_heads')
    .values(sealHead(pepper, emptyHead(organization_id)))
    .execute()
  await sql
    .insertInto('users')
    .values({ organization_id, id: owner_id, email: owner_email, name: owner_name, created_at })
    .execute()
  await sql
    .insertInto('projects')
    .values({
      organization_id,
      id: project_id,
      name: 'Default project',
      is_default: 1,
      residency: 'GLOBAL',
      created_at,
    })
    .execute()
  const owner = { organization_id, principal_id: owner_id, role: 'owner', created_at }
  await sql
    .insertInto('role_assignments')
    .values([
      { ...owner, resource_id: organization_id },
      { ...owner, resource_id: project_id },
    ])
    .execute()
  const { id } = await addAdminKey(sql, pepper, world, {
    organization_id,
    owner_id,
    name: 'First admin key',
    value: key,
    is_imported: chosen !== null,
  })
  await recordOnHost(sql, [pepper], world, organization_id, [
    {
      type: 'project.created',
      payload: { id: project_id, data: { name: 'Default project', title: 'Default project' } },
      project_id,
    },
    { type: 'api_key.created', payload: { id, data: { scopes: [...adminScopes] } }, project_id: null },
  ])
  return { organization_id, owner_id, project_id, admin_key: chosen === null ? key : null }
}

/** Stores an admin key that may do everything. */
async function addAdminKey(
  sql: Sql,
  pepper: Pepper,
  world: World,
  key: {
    organization_id: string
    owner_id: string
    name: string
    value: string
    is_imported: boolean
    expires_at?: number | null
  },
): Promise<{ id: string }> {
  const { value, is_imported, ...columns } = key
  const id = newId('key_', world)
  await sql
    .insertInto('admin_api_keys')
    .values(
      withMac(pepper, 'admin_api_keys', {
        ...columns,
        id,
        digest: digest(pepper, value),
        redacted_value: is_imported ? redactForeign(value) : redact(value),
        scopes: JSON.stringify(adminScopes),
        created_at: seconds(world),
        is_imported: Number(is_imported),
      }),
    )
    .execute()
  return { id }
}

/** The actor of what the operator does on the host: it has no key and no address. */
const host: Actor = { key_id: null, user_id: null, email: null, ip_address: null, user_agent: 'keyhall on the host' }

/** Records events of the operator in the audit log. */
export async function recordOnHost(
  sql: Sql,
  peppers: Peppers,
  world: World,
  organization_id: string,
  events: Omit<RecordedEvent, 'id'>[],
) {
  const [head] = await lockOrganization(sql, { organization_id })
  const recorded = events.map((event) => ({ id: newId('audit_log-', world), ...event }))
  await appendEvents(sql, peppers, head!, recorded, host, seconds(world))
}

/** There is no owner to whom the key could belong. The message is a sentence for the operator. */
export class NoSuchOwner extends Error {}

/**
 * Issues an admin key for the oldest owner, or for the owner with this address. For the operator,
 * when no admin key is left. Throws NoSuchOwner.
 */
export async function createAdminKeyOnHost(
  database: Database,
  peppers: Peppers,
  world: World,
  { name, email, expires_in_seconds }: { name: string; email?: string; expires_in_seconds?: number },
): Promise<{ id: string; value: string; owner_email: string }> {
  return database.write(async (sql) => {
    const owners = sql
      .selectFrom('users as user')
      .select(['user.organization_id', 'user.id', 'user.email'])
      .where('user.deleted_at', 'is', null)
      .where(isOrganizationOwner('user.organization_id', 'user.id'))
      .orderBy('user.created_at')
      .orderBy('user.id')
      .limit(1)
    const owner = await (email ? owners.where(raw`lower(email)`, '=', lowerAscii(email)) : owners).executeTakeFirst()
    if (!owner)
      throw new NoSuchOwner(
        email
          ? `No owner of the organization has the address ${email}.`
          : 'The database has no organization yet; start the server once.',
      )
    const value = makeKey('admin', world.random, peppers[0])
    const { organization_id } = owner
    const { id } = await addAdminKey(sql, peppers[0], world, {
      organization_id,
      owner_id: owner.id,
      name,
      value,
      is_imported: false,
      expires_at: expires_in_seconds ? seconds(world) + expires_in_seconds : null,
    })
    await recordOnHost(sql, peppers, world, organization_id, [
      { type: 'api_key.created', payload: { id, data: { scopes: [...adminScopes] } }, project_id: null },
    ])
    return { id, value, owner_email: owner.email }
  })
}
