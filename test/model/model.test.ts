/**
 * Random histories of an organization: after each step the real one and the model agree, on both
 * engines.
 */
import { expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { addPerson, addTenant, onBothEngines, type Tenant, type TestServer } from '../setup.ts'
import type { Command, Real } from './command.ts'
import { commands } from './commands.ts'
import { rounds } from '../runs.ts'
import { Organization, permissionOf, type Key } from './organization.ts'

/** Faults are mostly the same on both engines; a history on PostgreSQL takes longer. */
const RUNS = { sqlite: rounds(80), postgres: rounds(25) }
const PEOPLE = 4
const PROJECTS = 2

onBothEngines('people and access agree with a small model', (server) => {
  test(
    'through random histories',
    async () => {
      const numRuns = RUNS[server().engine]
      await fc.assert(
        fc.asyncProperty(fc.array(fc.oneof(...commands), { minLength: 1, maxLength: 12 }), (history) =>
          live(server(), history),
        ),
        // The same seed on both engines; the shortest failing history is looked for in short runs
        // only.
        { numRuns, seed: Number(process.env.TEST_SEED ?? 4100), endOnFailure: numRuns > 80 },
      )
    },
    30 * 60_000,
  )
})

async function live(server: TestServer, history: readonly Command[]) {
  const tenant = await addTenant(server)
  const real = await realize(tenant)
  const model = new Organization(PEOPLE, PROJECTS)
  let seen = await eventsOf(server, tenant)
  for (const { name, model: expected, real: actual, made = [] } of history) {
    const { status, events = {} } = expected(model)
    const answer = await actual(real)
    expect({ command: name, status: answer.status, error: answer.json.error?.message }).toMatchObject({
      command: name,
      status,
    })
    if (status === 200) for (const { list, id } of made) real[list].push(id(answer.json))
    const now = await eventsOf(server, tenant)
    expect({ command: name, events: difference(now, seen) }).toEqual({ command: name, events })
    seen = now
    expect({ command: name, sees: await observe(server, real, model) }).toEqual({
      command: name,
      sees: foresee(real, model),
    })
    // Who asks is person 0: when that is no owner any more, nobody answers, and the history is
    // over.
    if (!model.isOwner(0)) return
  }
}

async function realize(tenant: Tenant): Promise<Real> {
  const { request, organization_id, owner_id } = tenant
  const ask: Real['ask'] = async (method, path, body) => {
    const response = await request(method, path, body)
    return { status: response.status, json: await response.json() }
  }
  const users = [owner_id]
  for (let n = 1; n < PEOPLE; n++) {
    const id = `user-${organization_id}-${n}`
    users.push(await addPerson(tenant, { id, email: `${id}@example.com` }))
  }
  const projects: string[] = []
  for (let n = 0; n < PROJECTS; n++)
    projects.push((await ask('POST', '/organization/projects', { name: `P${n}` })).json.id)
  const make = async (path: string, body: object): Promise<string> => (await ask('POST', path, body)).json.id
  const groups = [
    await make('/organization/groups', { name: 'G0' }),
    await make('/organization/groups', { name: 'G1' }),
  ]
  await ask('POST', `/organization/groups/${groups[0]}/users`, { user_id: users[1] })
  const roles = [
    await make('/organization/roles', { permissions: [permissionOf('r0')], role_name: 'R0' }),
    await make(`/projects/${projects[0]}/roles`, { permissions: [permissionOf('r1')], role_name: 'R1' }),
  ]
  const accountsOf = (project: number) => `/organization/projects/${projects[project]}/service_accounts`
  const member = (await ask('POST', accountsOf(1), { name: 'A0' })).json
  const alone = (await ask('POST', accountsOf(0), { name: 'A1', create_service_account_only: true })).json
  const key = (await ask('POST', `${accountsOf(0)}/${alone.id}/api_keys`)).json
  await ask('POST', `/organization/groups/${groups[0]}/users`, { user_id: alone.id })
  await ask('POST', `/organization/projects/${projects[0]}/groups`, { group_id: groups[0], role: 'viewer' })
  await ask('POST', `/organization/projects/${projects[1]}/groups`, { group_id: groups[1], role: 'owner' })
  await ask('POST', `/projects/${projects[0]}/users/${alone.id}/roles`, { role_id: roles[1] })
  return {
    ask,
    organization_id,
    users,
    projects,
    groups,
    accounts: [member.id, alone.id],
    keys: [member.api_key.id, key.id],
    values: [member.api_key.value, key.value],
    roles,
  }
}

async function eventsOf({ database }: TestServer, { organization_id }: Tenant): Promise<Record<string, number>> {
  const rows = await database.read
    .selectFrom('audit_logs')
    .select(['type', (is) => is.fn.countAll<number>().as('count')])
    .where('organization_id', '=', organization_id)
    .groupBy('type')
    .execute()
  return Object.fromEntries(rows.map(({ type, count }) => [type, count]))
}

const difference = (now: Record<string, number>, before: Record<string, number>) =>
  Object.fromEntries(
    Object.entries(now)
      .map(([type, count]) => [type, count - (before[type] ?? 0)] as const)
      .filter(([, count]) => count > 0),
  )

const ascending = (a: number, b: number) => a - b

const numbered = (ids: readonly string[], id: string) => ids.indexOf(id)

/** What lists say, in the model's numbers. */
async function observe(server: TestServer, real: Real, model: Organization) {
  if (!model.isOwner(0)) return 'nobody may ask'
  const list = async (path: string) => (await real.ask('GET', path)).json.data as any[]
  const byNumber = (a: number[], b: number[]) => a[0]! - b[0]!
  const users = (await list('/organization/users?limit=100')).map((user) => [numbered(real.users, user.id), user.role])
  const projects = []
  for (const id of real.projects) {
    const keys = (await list(`/organization/projects/${id}/api_keys?limit=100&owner_project_access=any`)).map((key) => [
      numbered(real.keys, key.id),
      key.owner_project_access,
      (key.owner.user ?? key.owner.service_account).role,
    ])
    const active = await list(`/organization/projects/${id}/api_keys?limit=100&owner_project_access=active`)
    const members = (await real.ask('GET', `/organization/projects/${id}/users?limit=100`)).json
    const groups = await list(`/organization/projects/${id}/groups?limit=100`)
    const accounts = (await real.ask('GET', `/organization/projects/${id}/service_accounts?limit=100`)).json
    projects.push({
      keys: keys.toSorted(byNumber),
      active: active.map((key) => numbered(real.keys, key.id)).toSorted(ascending),
      members:
        members.data?.map((user: any) => [numbered(real.users, user.id), user.role]).toSorted(byNumber) ?? 'archived',
      groups: groups.map((group) => numbered(real.groups, group.group_id)).toSorted(ascending),
      accounts:
        accounts.data?.map((one: any) => [numbered(real.accounts, one.id), one.role]).toSorted(byNumber) ?? 'archived',
    })
  }
  const groups: Record<number, string[]> = {}
  for (const [number] of model.groups)
    groups[number] = (await list(`/organization/groups/${real.groups[number]}/users`))
      .map(({ id }) => (real.users.includes(id) ? `u${numbered(real.users, id)}` : `a${numbered(real.accounts, id)}`))
      .toSorted()
  const roles: Record<string, string[]> = {}
  for (const [account, project] of model.accounts)
    roles[account] = (await list(`/projects/${real.projects[project]}/users/${real.accounts[account]}/roles`))
      .map(({ id, name, predefined_role }): string => (predefined_role ? name : `r${numbered(real.roles, id)}`))
      .toSorted()
  const inventory = await list('/organization/api_keys?limit=100&owner_project_access=active')
  const opens: Record<number, string> = {}
  for (const [number, value] of real.values.entries()) opens[number] = await scopesOf(server, value)
  const active = inventory.map((key) => numbered(real.keys, key.id)).toSorted(ascending)
  return { users: users.toSorted(byNumber), projects, groups, roles, active, opens }
}

/** What the gateway says that a key may do, or with which status it refuses it. */
async function scopesOf({ fetch }: TestServer, value: string): Promise<string> {
  const headers = { authorization: `Bearer ${value}` }
  const answer = await fetch(new Request('http://keyhall.test/verify', { headers }))
  if (answer.status !== 200) return `${answer.status}`
  return answer.headers.get('x-keyhall-scopes')!.split(' ').toSorted().join(' ')
}

function foresee(real: Real, model: Organization) {
  if (!model.isOwner(0)) return 'nobody may ask'
  const projects = real.projects.map((_, project) => {
    const keys = [...model.keys].filter(([, key]) => key.project === project)
    return {
      keys: keys.map(([number, key]) => [number, model.isActive(key) ? 'active' : 'inactive', model.keyRole(key)]),
      active: keys.flatMap(([number, key]) => (model.isActive(key) ? [number] : [])),
      members: model.archived.has(project)
        ? 'archived'
        : real.users.flatMap((_, user) => {
            const role = model.directRole(project, `u${user}`)
            return role === null ? [] : [[user, role]]
          }),
      accounts: model.archived.has(project)
        ? 'archived'
        : [...model.accounts]
            .filter(([, at]) => at === project)
            .map(([account]) => [account, model.directRole(project, `a${account}`) ?? 'none']),
      groups: [...model.groups.keys()].filter((group) => model.rolesOf(`p${project}`, `g${group}`).size > 0),
    }
  })
  return {
    users: [...model.users].map((user) => [user, model.isOwner(user) ? 'owner' : 'reader']),
    projects,
    groups: Object.fromEntries([...model.groups].map(([group, members]) => [group, [...members].toSorted()])),
    roles: Object.fromEntries(
      [...model.accounts].map(([account, project]) => [
        account,
        [...model.heldIn(`p${project}`, `a${account}`)].toSorted(),
      ]),
    ),
    active: [...model.keys].flatMap(([number, key]) => (model.isActive(key) ? [number] : [])),
    opens: Object.fromEntries(
      real.values.map((_, number) => {
        const key = model.keys.get(number)
        return [number, key ? opensAs(model, key) : '401']
      }),
    ),
  }
}

/**
 * A key without access is refused; one that has it and no permission opens nothing either, but is
 * known.
 */
const opensAs = (model: Organization, key: Key) =>
  model.isActive(key) ? [...model.permissionsOf(key)].toSorted().join(' ') : '403'
