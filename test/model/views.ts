/** What can be seen of an organization: of the real one, and what the model foresees. */
import type { TestServer } from '../setup.ts'
import type { Real } from './command.ts'
import type { Key, Organization } from './organization.ts'

const ascending = (a: number, b: number) => a - b

const numbered = (ids: readonly string[], id: string) => ids.indexOf(id)

/** What lists say, in the model's numbers. */
export async function observe(server: TestServer, real: Real, model: Organization) {
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
  const tokens: Record<number, string> = {}
  for (const [number, value] of real.tokens.entries()) tokens[number] = await scopesOf(server, value)
  const trust = { ...(await observeTrust(real)), tokens }
  return {
    users: users.toSorted(byNumber),
    projects,
    groups,
    roles,
    active,
    opens,
    trust,
    settings: await settingsOf(real),
    sessions: await sessionsOf(real),
  }
}

async function observeTrust({ ask, providers, rules }: Real) {
  const path = '/organization/workload_identity_providers'
  const list = async (at: string) =>
    (await ask('GET', `${at}?limit=100`)).json.data as { id: string; enabled: boolean }[]
  const seen: Record<number, { enabled: boolean; rules: Record<number, boolean> }> = {}
  for (const { id, enabled } of await list(path)) {
    const of = (await list(`${path}/${id}/federation_rules`)).map((rule) => [numbered(rules, rule.id), rule.enabled])
    seen[numbered(providers, id)] = { enabled, rules: Object.fromEntries(of) }
  }
  return { providers: seen }
}

/** What each session is answered on both servers. */
const sessionsOf = ({ cookies, askAs }: Real) =>
  Promise.all(
    cookies.map((cookie) =>
      Promise.all([0, 1].map(async (on) => (await askAs(cookie, 'GET', '/organization/me', on)).status)),
    ),
  )

async function settingsOf({ ask, projects }: Real) {
  const get = async (path: string) => (await ask('GET', `/organization/${path}`)).json
  const all = []
  for (const id of projects) {
    const { default: chosen, enabled_tiers } = await get(`projects/${id}/service_tier_settings`)
    all.push({
      tools: await get(`projects/${id}/hosted_tool_permissions`),
      tiers: { default: chosen, enabled_tiers },
      retention: (await get(`projects/${id}/data_retention`)).type,
    })
  }
  return { projects: all, organization: (await get('data_retention')).type }
}

/** What the gateway says that a key may do, or with which status it refuses it. */
async function scopesOf({ fetch }: TestServer, value: string): Promise<string> {
  const headers = { authorization: `Bearer ${value}` }
  const answer = await fetch(new Request('http://keyhall.test/verify', { headers }))
  if (answer.status !== 200) return `${answer.status}`
  return answer.headers.get('x-keyhall-scopes')!.split(' ').toSorted().join(' ')
}

export function foresee(real: Real, model: Organization) {
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
    trust: foreseeTrust(real, model),
    sessions: model.sessions.all.map(({ state }) => (state === 'living' ? [200, 200] : [401, 401])),
    settings: {
      projects: real.projects.map((_, project) => model.settings.of(project)),
      organization: model.settings.retention.get('organization'),
    },
  }
}

function foreseeTrust(real: Real, model: Organization) {
  const { providers, rules, tokens } = model.trust
  const of = (provider: number) =>
    Object.fromEntries(model.trust.rulesOf(provider).map((rule) => [rule, rules.get(rule)!.enabled]))
  return {
    providers: Object.fromEntries([...providers].map(([number, enabled]) => [number, { enabled, rules: of(number) }])),
    tokens: Object.fromEntries(
      real.tokens.map((_, number) => {
        const token = tokens.get(number)
        if (!token) return [number, '401']
        return [number, opensAs(model, { project: model.accounts.get(token.account)!, owner: `a${token.account}` })]
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
