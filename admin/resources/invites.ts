import { inviteNotOpen, invalid, notFound, projectArchived } from '../../contract/errors.ts'
import { invites } from '../../contract/invites.ts'
import type { Body, Output } from '../../contract/kit.ts'
import { listOf } from '../../database/table-list.ts'
import { lowerAscii } from '../../database/statement.ts'
import type { InviteRow } from '../../database/tables.ts'
import { isOrganizationOwner } from '../../keys/access.ts'
import { inviteDigest } from '../../keys/digest.ts'
import { handlers, type Call } from '../call.ts'
import { invitation } from '../invites/mail.ts'
import { joinByInvite, openInvites, projectsById, promises, type Promised } from '../invites/open-invites.ts'
import type { Mail } from '../mailer.ts'
import { deletedResult } from '../shared/deleted-result.ts'
import { inviteLink, newInviteToken } from '../invites/token.ts'
import { requireOwner } from '../rules/require-an-owner.ts'
import { requireGrantable, requireProjectRoleGrantable } from '../rules/require-grantable.ts'
import { findPerson, personByEmail, presentPerson } from '../shared/person.ts'
import { findRole, organizationOf } from '../shared/known-roles.ts'

const OPEN_SECONDS = 7 * 24 * 60 * 60

export default handlers(invites, {
  list: (call) => table.page(call.db, { organization_id: call.organization_id }, call.query, present(call.now)),

  async create(call) {
    await requireOwner(call)
    const { email, role } = call.body
    if (role !== 'member') requireGrantable(call, await findRole(call, organizationOf(call), role, { names: true }))
    await requireNewcomer(call, email, 'email')
    await requireNoPendingInvite(call, email)
    const projects = JSON.stringify(await promisedProjects(call))
    for (const one of JSON.parse(projects) as Promised) requireProjectRoleGrantable(call, one.role)
    const link = call.mail && newInviteToken(call.keys.pepper, call.world)
    const { id } = await insert(call, { email, role, projects, token_digest: link?.token_digest ?? null })
    call.record('invite.sent', { id, data: { email, role } })
    const invite = await findInvite(call, id)
    if (call.mail && link) await mail(call, call.mail, invite, link.token)
    return present(call.now)(invite)
  },

  retrieve: async (call) => present(call.now)(await findInvite(call, call.params.invite_id)),

  async delete(call) {
    const { id, accepted_at } = await findInvite(call, call.params.invite_id)
    if (accepted_at !== null) throw invalid(`The invite ${id} was already accepted; remove the person instead.`)
    await update(call, id, { deleted_at: call.now })
    call.record('invite.deleted', { id })
    return deletedResult('organization.invite', id)
  },

  accept: {
    async authenticate(claim) {
      const { organization_id, email } = await findOpenInvite(claim)
      const user_id = claim.newId('user-')
      return { organization_id, key_id: null, session: null, user_id, email, may: () => false }
    },

    async handle(call) {
      const { user_id: id } = call.caller
      const invite = await findOpenInvite(call)
      await requireNewcomer(call, invite.email, 'token')
      await joinByInvite(call, invite, { id, name: call.body.name })
      return presentPerson(await findPerson(call, id))
    },
  },
})

const table = listOf('invites', ['organization_id'], (item) =>
  item
    .selectAll()
    .select(isOrganizationOwner('item.organization_id', 'item.created_by').as('is_sent_by_owner'))
    .where('item.deleted_at', 'is', null),
)

type Invite = NonNullable<Awaited<ReturnType<typeof table.find>>>

const present =
  (now: number) =>
  (row: Invite): Output<typeof invites.retrieve> => ({
    object: 'organization.invite',
    id: row.id,
    email: row.email,
    role: row.role === 'owner' ? 'owner' : 'reader',
    status: statusOf(row, now),
    created_at: row.created_at,
    expires_at: row.expires_at,
    accepted_at: row.accepted_at,
    projects: promises(row),
  })

/** An invite expires when the person who sent it owns the organization no longer. */
function statusOf({ accepted_at, expires_at, is_sent_by_owner }: Invite, now: number) {
  if (accepted_at !== null) return 'accepted'
  return expires_at <= now || !is_sent_by_owner ? 'expired' : 'pending'
}

type Asked = Pick<Call, 'db' | 'organization_id'>

export async function findInvite({ db, organization_id }: Asked, id: string): Promise<Invite> {
  const invite = await table.find(db, { organization_id }, id)
  if (!invite) throw notFound('invite', id)
  return invite
}

/**
 * The open invite with this token. Throws one error for every other token, whatever is wrong with
 * it.
 */
async function findOpenInvite({
  db,
  keys,
  now,
  body,
}: Pick<Call<typeof invites.accept>, 'db' | 'keys' | 'now' | 'body'>) {
  const [invite] = await openInvites(db, now)
    .where(
      'token_digest',
      'in',
      keys.peppers.map((pepper) => inviteDigest(pepper, body.token)),
    )
    .execute()
  if (!invite) throw inviteNotOpen()
  return invite
}

/** Throws 400 if a person of the organization has the address. */
async function requireNewcomer(call: Asked, email: string, param: string) {
  const person = await personByEmail(call, email)
  if (person)
    throw invalid(`${email} is a member of the organization already, as ${person.id}.`, param, 'already_exists')
}

/** Throws 400 if the address has an invite that can still be accepted. */
async function requireNoPendingInvite({ db, organization_id, now }: Asked & Pick<Call, 'now'>, email: string) {
  const [pending] = await openInvites(db, now)
    .where('organization_id', '=', organization_id)
    .where((is) => is(is.fn<string>('lower', ['email']), '=', lowerAscii(email)))
    .execute()
  if (pending)
    throw invalid(`${email} was invited already, with ${pending.id}, which is pending.`, 'email', 'already_exists')
}

/** The projects in the body, or the Default project where it has none. */
async function promisedProjects(call: Asked & { body: Body<typeof invites.create> }): Promise<Promised> {
  const { projects } = call.body
  if (!projects) return [{ id: (await defaultProject(call)).id, role: 'member' }]
  const known = await projectsById(call, projects)
  return projects.map(({ id, role }, index) => {
    const project = known.get(id)
    if (!project) throw invalid(`The project ${id} was not found.`, `projects[${index}].id`)
    if (project.archived_at !== null) throw projectArchived(project.name)
    if (projects.findIndex((other) => other.id === id) !== index)
      throw invalid(`The project ${id} is named twice.`, `projects[${index}].id`)
    return { id, role }
  })
}

const defaultProject = ({ db, organization_id }: Asked) =>
  db
    .selectFrom('projects')
    .selectAll()
    .where('organization_id', '=', organization_id)
    .where('is_default', '=', 1)
    .executeTakeFirstOrThrow()

async function insert(
  call: Call<typeof invites.create>,
  columns: Pick<InviteRow, 'email' | 'role' | 'projects' | 'token_digest'>,
) {
  const { db, organization_id, now: created_at, caller } = call
  const id = call.newId('invite-')
  const expires_at = created_at + OPEN_SECONDS
  await db
    .insertInto('invites')
    .values({ organization_id, id, ...columns, created_at, expires_at, created_by: caller.user_id })
    .execute()
  return { id }
}

const update = ({ db, organization_id }: Asked, id: string, set: Partial<InviteRow>) =>
  db.updateTable('invites').set(set).where('organization_id', '=', organization_id).where('id', '=', id).execute()

/** Sends the link once the invite is committed. If the mail fails, the invite stays. */
async function mail(call: Call<typeof invites.create>, mailer: Mail, invite: InviteRow, token: string) {
  const { db, organization_id, caller } = call
  const organization = db.selectFrom('organizations').select('name').where('id', '=', organization_id)
  const inviter = await findPerson(call, caller.user_id)
  const known = await projectsById(call, promises(invite))
  const message = invitation({
    to: invite.email,
    inviter,
    organization: (await organization.executeTakeFirstOrThrow()).name,
    role: invite.role,
    projects: promises(invite).map(({ id, role }) => ({ name: known.get(id)!.name, role })),
    link: inviteLink(mailer.public_url, token),
    expires_at: invite.expires_at,
  })
  call.afterCommit(() => mailer.send(message, invite.id as `invite-${string}`))
}
