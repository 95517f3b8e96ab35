import { ApiError, notFound } from '../../contract/errors.ts'
import type { Output } from '../../contract/kit.ts'
import { signInFailed } from '../../contract/session-errors.ts'
import { IDLE_SECONDS, LINK_SECONDS, sessionLinks, sessions } from '../../contract/sessions.ts'
import { listOf } from '../../database/table-list.ts'
import { verifyAdminKey } from '../../keys/verify-admin-key.ts'
import { handlers, type Attempt, type BodyAuthenticator, type Call, type Caller } from '../call.ts'
import { deleteLink, findLink } from '../sessions/sign-in-links.ts'
import { personSigningIn } from '../sessions/signing-in.ts'
import { endedSession, startSession } from '../sessions/start-session.ts'
import { writeFailure } from '../sessions/write-failure.ts'
import { deletedResult } from '../shared/deleted-result.ts'

export default handlers(sessions, {
  list(call) {
    const isForAll = call.caller.may('api.management.read')
    const user_id = isForAll ? call.query.user_id : call.caller.user_id
    // Of others nothing is shown to people who may not see them.
    const isElse = !isForAll && call.query.user_id !== undefined && call.query.user_id !== user_id
    const values = { ...valuesOf(call), user_id: isElse ? '' : user_id }
    return table.page(call.db, values, call.query, present(call), { ofPerson: user_id !== undefined })
  },

  create: {
    around: countFailures,

    async authenticate(claim) {
      try {
        return await signingInWith(claim)
      } catch (error) {
        if (!(error instanceof ApiError) || error.status >= 500) throw error
        claim.signIns.count(methodOf(claim), 'failed')
        throw signInFailed()
      }
    },

    async handle(call) {
      const { user_id, key_id } = call.caller
      if (call.body.token !== undefined) await useLink(call, call.body.token)
      const method = methodOf(call)
      call.afterCommit(() => call.signIns.count(method, 'succeeded'))
      const id = await startSession(call, { user_id, method, admin_key_id: key_id })
      return { ...present(call)(await findSession(call, id)), current: true }
    },
  },

  async delete(call) {
    const { caller, params } = call
    const id = params.session_id === 'current' && caller.session ? caller.session.id : params.session_id
    const { user_id } = await findSession(call, id)
    if (user_id !== caller.user_id && !caller.may('api.management.write')) throw notFound('session', id)
    await call.db
      .updateTable('sessions')
      .set(endedSession(call.now))
      .where('organization_id', '=', call.organization_id)
      .where('id', '=', id)
      .execute()
    if (id === caller.session?.id) call.keepSession(null)
    call.record('logout.succeeded', { id })
    return deletedResult('organization.session', id)
  },
})

export const sessionLinkHandlers = handlers(sessionLinks, {
  create: {
    // Nobody is identified: the call does the same for every address.
    async authenticate({ db, body }) {
      const { id: organization_id } = await db
        .selectFrom('organizations')
        .select('id')
        .orderBy('created_at')
        .orderBy('id')
        .limit(1)
        .executeTakeFirstOrThrow()
      return { organization_id, user_id: '', email: body.email, key_id: null, session: null, may: () => false }
    },

    before: ({ body, ip_address, signInLinks }) => signInLinks.requireRoom(body.email, ip_address),

    async handle({ body, signInLinks, afterCommit }) {
      afterCommit(() => signInLinks.send(body.email))
      return { object: 'organization.session.link' as const, expires_in: LINK_SECONDS }
    },
  },
})

type Claim = Parameters<BodyAuthenticator<typeof sessions.create>>[0]

const methodOf = ({ body }: Pick<Claim, 'body'>) => (body.token === undefined ? 'admin_key' : 'link')

/** The owner of the admin key, or the person of the link. */
async function signingInWith({ db, keys, now, body, ip_address }: Claim): Promise<Caller> {
  if (body.token === undefined)
    return verifyAdminKey(db, keys, { authorization: `Bearer ${body.admin_key}`, ip_address }, now)
  const link = await findLink(db, keys.peppers, body.token, now)
  const person = link && (await personSigningIn(db, link, ip_address))
  if (!person) throw signInFailed()
  return person
}

/** No call can use the same link meanwhile: changes of the organization wait for each other. */
async function useLink({ db, keys, now }: Pick<Call, 'db' | 'keys' | 'now'>, token: string) {
  await deleteLink(db, (await findLink(db, keys.peppers, token, now))!)
}

/**
 * Of whoever signs in. A call counts as a failure until it has succeeded, so that many at a time
 * count as well.
 */
async function countFailures<Result>(attempt: Attempt, run: () => Promise<Result>): Promise<Result> {
  const takeBack = attempt.context.signIns.begin(attempt.ip_address)
  try {
    const result = await run()
    takeBack()
    return result
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) await writeFailure(attempt, error)
    else takeBack()
    throw error
  }
}

/** Those that can still be used. */
const table = listOf('sessions', ['organization_id'], (item, { ofPerson }: { ofPerson: boolean }, params) => {
  const rows = item
    .innerJoin('users as user', (on) =>
      on.onRef('user.organization_id', '=', 'item.organization_id').onRef('user.id', '=', 'item.user_id'),
    )
    .selectAll('item')
    .select(['user.name', 'user.email'])
    .where('item.ended_at', 'is', null)
    .where('user.deleted_at', 'is', null)
    .where('item.expires_at', '>', params.now!)
    .where('item.last_used_at', '>', params.used_after!)
  return ofPerson ? rows.where('item.user_id', '=', params.user_id!) : rows
})

type Asked = Pick<Call, 'db' | 'organization_id' | 'now' | 'caller'>

const valuesOf = ({ organization_id, now }: Pick<Asked, 'organization_id' | 'now'>) => ({
  organization_id,
  now,
  used_after: now - IDLE_SECONDS,
})

type Row = NonNullable<Awaited<ReturnType<typeof table.find>>>

const present =
  ({ caller }: Pick<Asked, 'caller'>) =>
  (row: Row): Output<typeof sessions.create> => ({
    object: 'organization.session',
    id: row.id,
    user: { id: row.user_id, name: row.name, email: row.email },
    created_at: row.created_at,
    expires_at: row.expires_at,
    last_used_at: row.last_used_at,
    ip_address: row.ip_address,
    user_agent: row.user_agent,
    method: row.method as Output<typeof sessions.create>['method'],
    current: row.id === caller.session?.id,
  })

async function findSession(call: Asked, id: string): Promise<Row> {
  const row = await table.find(call.db, valuesOf(call), id, { ofPerson: false })
  if (!row) throw notFound('session', id)
  return row
}
