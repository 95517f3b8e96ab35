import { notFound } from '../../contract/errors.ts'
import type { Output } from '../../contract/kit.ts'
import { me, MOST_OWN_KEYS, MOST_PROJECTS, myApiKeys, myLimits } from '../../contract/me.ts'
import { adminScopes } from '../../contract/scopes.ts'
import { notPermitted, tooManyOwnKeys } from '../../contract/session-errors.ts'
import { listOf } from '../../database/table-list.ts'
import { mayByScopes } from '../../keys/admin-caller.ts'
import { readHeldPermissions } from '../../keys/held-permissions.ts'
import { grantedTo } from '../../keys/read-project-key.ts'
import { handlers, type Call } from '../call.ts'
import { requireActive } from '../rules/require-active.ts'
import { addKey } from '../shared/add-key.ts'
import { deleteProjectKey } from '../shared/delete-project-key.ts'
import { findProjectById } from '../shared/find-project.ts'
import { projectsOfPerson } from '../shared/person-projects.ts'
import { presentKey, withOwners } from '../shared/project-key-rows.ts'
import { rotateKey } from '../shared/rotate-key.ts'
import { modelPermissions, rateLimits } from '../shared/request-limits.ts'

const REQUEST = 'api.model.request'

export default handlers(me, {
  async retrieve(call) {
    const { db, organization_id, caller } = call
    const { user_id: id, email, session, may } = caller
    // What a person may do in a project is also cut by the scopes of an admin key.
    const isInScope = session === null ? may : mayByScopes(session.scopes ?? adminScopes)
    const [held, projects, user, organization] = await Promise.all([
      readHeldPermissions(db, caller),
      projectsOfPerson(db, caller, MOST_PROJECTS),
      db
        .selectFrom('users')
        .select('name')
        .where('organization_id', '=', organization_id)
        .where('id', '=', id)
        .executeTakeFirstOrThrow(),
      db.selectFrom('organizations').select('name').where('id', '=', organization_id).executeTakeFirstOrThrow(),
    ])
    return {
      object: 'organization.me',
      user: { id, name: user.name, email, role: held.role },
      organization: { id: organization_id, name: organization.name },
      permissions: [...held.organization].filter(may),
      projects: projects.map(({ permissions, ...project }) => ({
        ...project,
        permissions: permissions.filter(isInScope),
        can_create_keys: permissions.includes(REQUEST) && isInScope('api.management.write'),
      })),
      session: session && { id: session.id, expires_at: session.expires_at },
    }
  },
})

export const myLimitHandlers = handlers(myLimits, {
  async retrieve(call) {
    const { caller, project } = call
    const holdsRole = (await permittedIn(call, project.id)) !== null
    // The same as for a project that does not exist, so that nobody learns which there are.
    if (!holdsRole && !caller.may('api.management.read')) throw notFound('project', project.id)
    return {
      object: 'organization.me.limits',
      project_id: project.id,
      rate_limits: await rateLimits(call),
      model_permissions: await modelPermissions(call),
    }
  },
})

export const myApiKeyHandlers = handlers(myApiKeys, {
  list: (call) =>
    table.page(call.db, valuesOf(call), call.query, present, { inProject: call.query.project_id !== undefined }),

  async create(call) {
    const { caller, body } = call
    const { project_id, ...wanted } = body
    await requireMayCreate(call, project_id)
    const place = { project_id, owner_type: 'user' as const, owner_id: caller.user_id }
    const { id, value } = await addKey(call, place, wanted)
    return { ...present(await findOwnKey(call, id)), value }
  },

  async rotate(call) {
    const old = await findOwnKey(call, call.params.api_key_id)
    await requireMayCreate(call, old.project_id)
    const { id, value } = await rotateKey(call, old.id, call.body)
    return { ...present(await findOwnKey(call, id)), value }
  },

  async delete(call) {
    const { id, project_id } = await findOwnKey(call, call.params.api_key_id)
    return deleteProjectKey(call, id, project_id)
  },
})

/**
 * Throws 404 where the person has no access to the project, the same as for one that does not
 * exist, so that nobody learns which there are; 403 without the permission to call models; 400
 * where the project is archived or the person has too many keys.
 */
async function requireMayCreate(call: Asked & Pick<Call, 'now'>, project_id: string) {
  const project = await findProjectById(call, project_id)
  const permitted = project ? await permittedIn(call, project_id) : null
  if (!project || !permitted) throw notFound('project', project_id, 'project_id')
  requireActive(project)
  if (!permitted.includes(REQUEST)) throw notPermitted(REQUEST)
  await requireRoom(call, project_id)
}

/** What the caller may do in the project; null where they hold no role for it. */
const permittedIn = ({ db, caller }: Pick<Asked, 'db' | 'caller'>, project_id: string) =>
  grantedTo(db, { ...caller, project_id, owner_id: caller.user_id, account_role: null, may_hold: true })

/** Throws 400 when the person has as many living keys in the project as there can be. */
async function requireRoom({ db, organization_id, caller, now }: Asked & Pick<Call, 'now'>, project_id: string) {
  const { count } = await db
    .selectFrom('api_keys')
    .select(({ fn }) => fn.countAll().as('count'))
    .where('organization_id', '=', organization_id)
    .where('owner_id', '=', caller.user_id)
    .where('project_id', '=', project_id)
    .where('deleted_at', 'is', null)
    .where((is) => is.or([is('expires_at', 'is', null), is('expires_at', '>', now)]))
    .executeTakeFirstOrThrow()
  if (Number(count) >= MOST_OWN_KEYS) throw tooManyOwnKeys(MOST_OWN_KEYS)
}

/** The service accounts of a project have ids of their own, so these are keys of people. */
const table = listOf(
  'api_keys',
  ['organization_id', 'owner_id'],
  (item, { inProject }: { inProject: boolean }, params) => {
    const rows = withOwners(item, 'any').select('item.project_id')
    return inProject ? rows.where('item.project_id', '=', params.project_id!) : rows
  },
)

type Row = NonNullable<Awaited<ReturnType<typeof table.find>>>

type Asked = Pick<Call, 'db' | 'organization_id' | 'caller'>

const valuesOf = ({
  organization_id,
  caller,
  query,
}: Pick<Asked, 'organization_id' | 'caller'> & { query?: { project_id?: string } }) => ({
  organization_id,
  owner_id: caller.user_id,
  project_id: query?.project_id,
})

const present = (row: Row): Output<typeof myApiKeys.list>['data'][number] => ({
  ...presentKey(row),
  project_id: row.project_id,
})

async function findOwnKey(call: Asked, id: string): Promise<Row> {
  const key = await table.find(call.db, valuesOf(call), id, { inProject: false })
  if (!key) throw notFound('api_key', id)
  return key
}
