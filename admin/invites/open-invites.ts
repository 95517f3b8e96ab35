/** Invites that can be accepted, and what accepting one does. */
import type { invites } from '../../contract/invites.ts'
import type { Output } from '../../contract/kit.ts'
import type { InviteRow, ProjectRow } from '../../database/tables.ts'
import type { Sql } from '../../database/types.ts'
import { isOrganizationOwner } from '../../keys/access.ts'
import type { Call } from '../call.ts'
import { grant } from '../rules/assign.ts'
import { organizationOf } from '../shared/known-roles.ts'

type Asked = Pick<Call, 'db' | 'organization_id'>
export type Promised = Output<typeof invites.retrieve>['projects']

/** Those that can be accepted. */
export const openInvites = (db: Sql, now: number) =>
  db
    .selectFrom('invites')
    .selectAll()
    .where('accepted_at', 'is', null)
    .where('deleted_at', 'is', null)
    .where('expires_at', '>', now)
    .where(isOrganizationOwner('invites.organization_id', 'invites.created_by'))

/** Makes a person of an open invite, with the roles that it promises. */
export async function joinByInvite(
  call: Asked & Pick<Call<typeof invites.accept>, 'now' | 'record'>,
  invite: InviteRow,
  { id, name }: { id: string; name: string },
) {
  const { db, organization_id, now } = call
  await db.insertInto('users').values({ organization_id, id, email: invite.email, name, created_at: now }).execute()
  const inviter = { ...call, caller: { user_id: invite.created_by } }
  if (invite.role !== 'member') await grant(inviter, organizationOf(call), id, invite.role)
  for (const { project, role } of await activeProjectsOf(call, invite))
    await grant(inviter, { level: 'project', id: project.id }, id, role)
  await db
    .updateTable('invites')
    .set({ accepted_at: now })
    .where('organization_id', '=', organization_id)
    .where('id', '=', invite.id)
    .execute()
  call.record('invite.accepted', { id: invite.id })
  call.record('user.added', { id, data: { role: invite.role } })
}

export const promises = ({ projects }: Pick<InviteRow, 'projects'>) => JSON.parse(projects) as Promised

/** The promised memberships, without those in projects that were archived meanwhile. */
async function activeProjectsOf(call: Asked, invite: InviteRow) {
  const known = await projectsById(call, promises(invite))
  return promises(invite).flatMap(({ id, role }) => {
    const project = known.get(id)
    return project && project.archived_at === null ? [{ project, role }] : []
  })
}

export async function projectsById({ db, organization_id }: Asked, named: Promised): Promise<Map<string, ProjectRow>> {
  if (named.length === 0) return new Map()
  const ids = named.map(({ id }) => id)
  const rows = await db
    .selectFrom('projects')
    .selectAll()
    .where('organization_id', '=', organization_id)
    .where('id', 'in', ids)
    .execute()
  return new Map(rows.map((row) => [row.id, row]))
}
