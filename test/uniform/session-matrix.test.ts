/** Who may call what with a session: every operation of the contract times every kind of person. */
import { beforeAll, expect, test } from 'bun:test'
import { operations } from '../../contract/index.ts'
import type { Operation } from '../../contract/kit.ts'
import { recipe } from '../recipes.ts'
import type { Ready } from '../recipe.ts'
import { signIn, signInAs } from '../sessions/pages.ts'
import { addPerson, addTenant, fromPage, onBothEngines, type Tenant, type TestServer } from '../setup.ts'
import { call, paramNames } from './each.ts'

/** What concerns the caller alone, and is refused for what another person has. */
const ofAnother = ['sessions.delete', 'me.apiKeys.create', 'me.apiKeys.rotate', 'me.apiKeys.delete']
const own = (name: string) => (ofAnother.includes(name) ? 404 : null)

/** Those that a role in the project opens: reading of the project itself, and who is in it. */
const isOfProject = ({ path }: Operation, name: string) =>
  path.includes('{project_id}') &&
  (/^projects\.(users|groups|roles|apiKeys|serviceAccounts)\./.test(name) ||
    [
      'projects.retrieve',
      'projects.limits.retrieve',
      'projects.rateLimits.listRateLimits',
      'projects.modelPermissions.retrieve',
    ].includes(name))

/**
 * The part of a report that is about one project, and that about the person: with what each is
 * refused.
 */
const partly: Record<string, { ofProject: number | null; ofOneself: number | null }> = {
  nobody: { ofProject: 401, ofOneself: 401 },
  'an owner of the organization': { ofProject: null, ofOneself: null },
  'a reader of the organization': { ofProject: null, ofOneself: null },
  'an owner of the project': { ofProject: null, ofOneself: null },
  'a member of the project': { ofProject: 403, ofOneself: null },
  'a viewer of the project': { ofProject: 403, ofOneself: null },
  'a person without any role': { ofProject: 403, ofOneself: null },
  'an owner of another organization': { ofProject: null, ofOneself: null },
}

/** With what each person is refused; null where they are not. */
const expected: Record<string, (operation: Operation, name: string) => number | null> = {
  nobody: () => 401,
  'an owner of the organization': () => null,
  'a reader of the organization': ({ can, reach }, name) =>
    reach === 'own' ? own(name) : can === 'api.management.read' || can === 'api.usage.read' ? null : 403,
  'an owner of the project': (operation, name) =>
    operation.reach === 'own' ? own(name) : isOfProject(operation, name) ? null : 403,
  'a member of the project': ({ reach }, name) => (reach === 'own' ? own(name) : 403),
  'a viewer of the project': ({ reach }, name) => (reach === 'own' ? own(name) : 403),
  'a person without any role': ({ reach }, name) =>
    name === 'me.limits.retrieve' ? 404 : reach === 'own' ? own(name) : 403,
  // Where a path names nothing, the call is about the other organization, and ours does not change.
  'an owner of another organization': (operation, name) =>
    paramNames(operation).length > 0 || name === 'me.apiKeys.create' ? 404 : null,
}

const inProject: Record<string, string> = {
  'an owner of the project': 'owner',
  'a member of the project': 'member',
  'a viewer of the project': 'viewer',
}

onBothEngines('session matrix', (server) => {
  let other: Tenant
  const cookies: Record<string, string | null> = {}
  const ids: Record<string, string> = {}
  beforeAll(async () => {
    other = await addTenant(server())
    for (const kind of Object.keys(expected).filter((one) => one in inProject || one.startsWith('a '))) {
      const id = (ids[kind] = `user-${kind.replaceAll(' ', '-')}`)
      await addPerson(server(), { id, email: `${id}@example.com` })
      if (kind !== 'a reader of the organization') await leaveOrganizationRole(server(), id)
      cookies[kind] = await signInAs(server(), id)
    }
    cookies.nobody = null
    cookies['an owner of the organization'] = await signIn(server())
    cookies['an owner of another organization'] = await signIn(server(), other.admin_key)
  })

  for (const { name, operation } of operations)
    test(`${name} answers each kind of person as it must`, async () => {
      const answers: Record<string, number> = {}
      const rightAnswers: Record<string, number> = {}
      const shared = await recipe(name).prepare(server())
      for (const [kind, status] of Object.entries(expected)) {
        const refusal = operation.can === null ? null : status(operation, name)
        const isElsewhere = kind === 'an owner of another organization' && refusal === null && operation.can !== null
        const ready = refusal === null ? await recipe(name).prepare(isElsewhere ? other : server()) : shared
        await holdInProject(server(), ids[kind], ready, inProject[kind])
        await server().events()
        const headers = { ...fromPage, ...(cookies[kind] && { cookie: cookies[kind] }) }
        answers[kind] = (await call(server(), operation, ready, { key: null, headers })).status
        rightAnswers[kind] = refusal ?? (recipe(name).refusal === undefined ? 200 : 400)
        const isOurs = refusal === null && !isElsewhere
        expect([kind, await server().events()]).toEqual([kind, isOurs ? recipe(name).events : {}])
        if (ids[kind]) await leaveProjects(server(), ids[kind])
      }
      expect(answers).toEqual(rightAnswers)
    })

  const reports = operations.filter(({ operation }) => operation.reach === 'filtered')
  for (const { name, operation } of reports)
    test(`${name} answers each kind of person who asks for a part of it as it must`, async () => {
      const { project_id, owner_id } = server()
      const hasPeople = 'user_ids' in operation.query.properties
      for (const [kind, { ofProject, ofOneself }] of Object.entries(partly)) {
        await holdInProject(server(), ids[kind], { params: { project_id } }, inProject[kind])
        const headers = { ...fromPage, ...(cookies[kind] && { cookie: cookies[kind] }) }
        const status = async (filter: Record<string, string>) => {
          const ready = await recipe(name).prepare(server())
          const search = new URLSearchParams({ ...ready.query, ...filter }).toString()
          return (await call(server(), operation, ready, { key: null, headers, search })).status
        }
        const own = await status({ 'user_ids[]': ids[kind] ?? owner_id })
        const right = [kind, ofProject ?? 200, (hasPeople ? ofOneself : expected[kind]!(operation, name)) ?? 200]
        expect([kind, await status({ 'project_ids[]': project_id }), own]).toEqual(right)
        if (ids[kind]) await leaveProjects(server(), ids[kind])
      }
    })
})

const leaveOrganizationRole = ({ database, organization_id }: TestServer, id: string) =>
  database.write((sql) =>
    sql
      .deleteFrom('role_assignments')
      .where('principal_id', '=', id)
      .where('resource_id', '=', organization_id)
      .execute(),
  )

const leaveProjects = ({ database, organization_id }: TestServer, id: string) =>
  database.write((sql) =>
    sql
      .deleteFrom('role_assignments')
      .where('principal_id', '=', id)
      .where('resource_id', '!=', organization_id)
      .execute(),
  )

/** Gives a person a role in the project that the call is about. */
async function holdInProject(
  { database, organization_id, world }: TestServer,
  principal_id: string | undefined,
  { params }: Ready,
  role: string | undefined,
) {
  if (!role || !principal_id || !params.project_id) return
  const created_at = Math.floor(world.now() / 1000)
  const held = { organization_id, resource_id: params.project_id, principal_id, role, created_at }
  await database.write((sql) => sql.insertInto('role_assignments').values(held).execute())
}
