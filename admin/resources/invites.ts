import { inviteNotOpen, invalid, notFound, projectArchived } from '../../contract/errors.ts'
import { invites } from '../../contract/invites.ts'
import type { Body, Output } from '../../contract/kit.ts'
import { collection } from '../../database/page.ts'
import { lowerAscii } from '../../database/statement.ts'
import type { InviteRow, ProjectRow } from '../../database/tables.ts'
import { inviteDigest } from '../../keys/digest.ts'
import { handlers, type Call } from '../call.ts'
import { invitation } from '../invitation.ts'
import type { Mail } from '../mailer.ts'
import { grant } from '../rules/assign.ts'
import { gone } from '../rules/gone.ts'
import { inviteLink, newInviteToken } from '../rules/invite-token.ts'
import { mayGrant } from '../rules/may-grant.ts'
import { findPerson, personByEmail, presentPerson } from '../rules/people.ts'
import { findRole, organizationOf } from '../rules/roles.ts'

const OPEN_SECONDS = 7 * 24 * 60 * 60

export default handlers(invites, {
  list: (call) => all.page(call.db, { organization_id: call.organization_id }, call.query, present(call.now)),

  async create(call) {
    const { email } = call.body
    const role = call.body.role === 'owner' ? 'owner' : 'reader'
    mayGrant(call, await findRole(call, organizationOf(call), role, { names: true }))
    await notHere(call, email, 'email')
    await notPending(call, email)
    const projects = JSON.stringify(await promised(call))
    const link = call.mail && newInviteToken(call.keys.pepper, call.world)
    const { id } = await insert(call, { email, role, projects, token_digest: link?.token_digest ?? null })
    call.record('invite.sent', { id, data: { email, role } })
    const invite = await find(call, id)
    if (call.mail && link) await mail(call, call.mail, invite, link.token)
    return present(call.now)(invite)
  },

  retrieve: async (call) => present(call.now)(await find(call, call.params.invite_id)),

  async delete(call) {
    const { id, accepted_at } = await find(call, call.params.invite_id)
    if (accepted_at !== null) throw invalid(`The invite ${id} was already accepted; remove the person instead.`)
    await update(call, id, { deleted_at: call.now })
    call.record('invite.deleted', { id })
    return gone('organization.invite', id)
  },

  accept: {
    async prove(claim) {
      const { organization_id, email } = await findOpen(claim)
      return { organization_id, key_id: null, scopes: [], user_id: claim.newId('user-'), email }
    },

    async handle(call) {
      const { db, organization_id, now, caller } = call
      const invite = await findOpen(call)
      await notHere(call, invite.email, 'token')
      const person = { organization_id, id: caller.user_id, email: invite.email, name: call.body.name, created_at: now }
      await db.insertInto('users').values(person).execute()
      const inviter = { ...call, caller: { user_id: invite.created_by } }
      await grant(inviter, organizationOf(call), person.id, invite.role)
      for (const { project, role } of await stillThere(call, invite))
        await grant(inviter, { level: 'project', id: project.id }, person.id, role)
      await update(call, invite.id, { accepted_at: now })
      call.record('invite.accepted', { id: invite.id })
      call.record('user.added', { id: person.id, data: { role: invite.role } })
      return presentPerson(await findPerson(call, person.id))
    },
  },
})

const all = collection('invites', ['organization_id'], (item) => item.selectAll().where('item.deleted_at', 'is', null))

const present =
  (now: number) =>
  (row: InviteRow): Output<typeof invites.retrieve> => ({
    object: 'organization.invite',
    id: row.id,
    email: row.email,
    role: row.role,
    status: row.accepted_at !== null ? 'accepted' : row.expires_at <= now ? 'expired' : 'pending',
    created_at: row.created_at,
    expires_at: row.expires_at,
    accepted_at: row.accepted_at,
    projects: promises(row),
  })

type Promised = Output<typeof invites.retrieve>['projects']
const promises = ({ projects }: Pick<InviteRow, 'projects'>) => JSON.parse(projects) as Promised

type Asked = Pick<Call, 'db' | 'organization_id'>

async function find({ db, organization_id }: Asked, id: string): Promise<InviteRow> {
  const invite = await all.find(db, { organization_id }, id)
  if (!invite) throw notFound('invite', id)
  return invite
}

/** The invite whose link has this token. What is wrong with a token that opens nothing is not said. */
async function findOpen({ db, keys, now, body }: Pick<Call<typeof invites.accept>, 'db' | 'keys' | 'now' | 'body'>) {
  const [invite] = await db
    .selectFrom('invites')
    .selectAll()
    .where('token_digest', '=', inviteDigest(keys.pepper, body.token))
    .where('accepted_at', 'is', null)
    .where('deleted_at', 'is', null)
    .where('expires_at', '>', now)
    .execute()
  if (!invite) throw inviteNotOpen()
  return invite
}

/** Throws 400 if a person of the organization has the address. */
async function notHere(call: Asked, email: string, param: string) {
  const person = await personByEmail(call, email)
  if (person)
    throw invalid(`${email} is a member of the organization already, as ${person.id}.`, param, 'already_exists')
}

/** Throws 400 if the address has an invite that can still be accepted. */
async function notPending({ db, organization_id, now }: Asked & Pick<Call, 'now'>, email: string) {
  const [pending] = await db
    .selectFrom('invites')
    .select('id')
    .where('organization_id', '=', organization_id)
    .where((is) => is(is.fn<string>('lower', ['email']), '=', lowerAscii(email)))
    .where('accepted_at', 'is', null)
    .where('deleted_at', 'is', null)
    .where('expires_at', '>', now)
    .execute()
  if (pending)
    throw invalid(`${email} was invited already, with ${pending.id}, which is pending.`, 'email', 'already_exists')
}

/** The projects that the body names, or the Default project if it says nothing of projects. */
async function promised(call: Asked & { body: Body<typeof invites.create> }): Promise<Promised> {
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

/** What was promised, without the projects that were archived meanwhile. */
async function stillThere(call: Asked, invite: InviteRow) {
  const known = await projectsById(call, promises(invite))
  return promises(invite).flatMap(({ id, role }) => {
    const project = known.get(id)
    return project && project.archived_at === null ? [{ project, role }] : []
  })
}

async function projectsById({ db, organization_id }: Asked, named: Promised): Promise<Map<string, ProjectRow>> {
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

/** Sends the link once the invite is kept. The mail may fail, the invite stays. */
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
  call.after(() => mailer.send(message, invite.id))
}
