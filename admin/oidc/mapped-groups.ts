/** Keeps the groups that the settings name in step with what the issuer says of a person. */
import type { Call } from '../call.ts'
import { leave } from '../rules/assign.ts'
import { requireAnOwner } from '../rules/require-an-owner.ts'
import type { OidcSettings } from './oidc-settings.ts'
import type { oidcSignIn } from './oidc-operation.ts'

type Keeping = Pick<Call<typeof oidcSignIn>, 'db' | 'organization_id' | 'now' | 'record'>

/** Other groups stay as they are. Returns the names in the settings that no group has. */
export async function keepMappedGroups(
  call: Keeping,
  user_id: string,
  values: readonly string[],
  mapping: OidcSettings['groups'],
): Promise<string[]> {
  if (mapping.length === 0) return []
  const groups = await namedGroups(call, mapping)
  const groupOf = (named: string) => groups.find(({ id, name }) => id === named || name === named)
  const wanted = new Set(
    mapping.flatMap(({ value, group }) => (values.includes(value) ? (groupOf(group)?.id ?? []) : [])),
  )
  const joined = await membershipsOf(call, user_id, groups)
  for (const { id } of groups) {
    const since = joined.get(id)
    if (wanted.has(id) && since === undefined) await join(call, id, user_id)
    if (!wanted.has(id) && since !== undefined) await part(call, id, user_id, since)
  }
  await requireAnOwner(call)
  return mapping.map(({ group }) => group).filter((named) => !groupOf(named))
}

const namedGroups = ({ db, organization_id }: Keeping, mapping: OidcSettings['groups']) => {
  const named = [...new Set(mapping.map(({ group }) => group))]
  return db
    .selectFrom('groups')
    .select(['id', 'name'])
    .where('organization_id', '=', organization_id)
    .where('deleted_at', 'is', null)
    .where((is) => is.or([is('id', 'in', named), is('name', 'in', named)]))
    .execute()
}

async function membershipsOf({ db, organization_id }: Keeping, user_id: string, groups: { id: string }[]) {
  if (groups.length === 0) return new Map<string, number>()
  const rows = await db
    .selectFrom('group_users')
    .select(['group_id', 'created_at'])
    .where('organization_id', '=', organization_id)
    .where('user_id', '=', user_id)
    .where(
      'group_id',
      'in',
      groups.map(({ id }) => id),
    )
    .execute()
  return new Map(rows.map(({ group_id, created_at }) => [group_id, created_at]))
}

async function join({ db, organization_id, now, record }: Keeping, group_id: string, user_id: string) {
  await db.insertInto('group_users').values({ organization_id, group_id, user_id, created_at: now }).execute()
  record('tenant.group.member.added', { id: group_id, user_id })
}

async function part(call: Keeping, group_id: string, user_id: string, since: number) {
  const { db, organization_id, record } = call
  await db
    .deleteFrom('group_users')
    .where('organization_id', '=', organization_id)
    .where('group_id', '=', group_id)
    .where('user_id', '=', user_id)
    .execute()
  await leave({ ...call, caller: { user_id: null } }, group_id, user_id, since)
  record('tenant.group.member.removed', { id: group_id, user_id })
}
