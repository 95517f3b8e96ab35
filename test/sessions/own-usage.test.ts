/**
 * Usage and costs for people who may not see all of it: owners of a project see that of their
 * projects, everybody sees their own, and nobody anything else.
 */
import { beforeAll, expect, test } from 'bun:test'
import { usage } from '../../contract/usage.ts'
import { rollUp } from '../../ledger/usage-rows.ts'
import { series } from '../ledger/asks.ts'
import { make, newAdminKey, newGroup, newProject, uniqueEmail } from '../made.ts'
import { addPerson, onBothEngines } from '../setup.ts'
import { fromBrowser, signIn, signInAs } from './pages.ts'

const BEGIN = Date.UTC(2026, 9, 28) / 1000
type Name = keyof typeof usage
const names = Object.keys(usage) as Name[]
const membersOf = (name: Name) => Object.keys(usage[name].query.properties)
let made = 0

onBothEngines('usage', (server) => {
  let projects: { own: string; other: string; archived: string }
  let ids: Record<'owner' | 'member' | 'stranger' | 'grouped' | 'custom', string>
  const cookies: Record<string, string> = {}

  const person = async (project_id?: string, project_role = 'member') => {
    const id = `user-usage${++made}`
    await addPerson(server(), { id, email: uniqueEmail(), ...(project_id && { project_id, project_role }) })
    await server().client.admin.organization.users.update(id, { role: 'member' })
    cookies[id] = await signInAs(server(), id)
    return id
  }
  const get = (id: string, name: Name, query: string) =>
    fromBrowser(server(), cookies[id]!, 'GET', `${usage[name].path}?start_time=${BEGIN}&${query}`)
  const sees = async (id: string, name: Name, query: string) => (await get(id, name, query)).status

  beforeAll(async () => {
    const [own, other, archived] = await Promise.all([0, 1, 2].map(async () => (await newProject(server())).id))
    projects = { own: own!, other: other!, archived: archived! }
    const [owner, member, stranger] = [await person(own, 'owner'), await person(own), await person()]
    const [grouped, custom] = [await person(), await person()]
    ids = { owner, member, stranger, grouped, custom }
    await make(server(), `/organization/projects/${archived}/users`, { user_id: owner, role: 'owner' })
    const group = await newGroup(server())
    await make(server(), `/organization/groups/${group.id}/users`, { user_id: grouped })
    await make(server(), `/projects/${own}/groups/${group.id}/roles`, { role_id: 'role-api-project-owner' })
    const permissions = ['api.usage.read']
    const role = await make(server(), `/projects/${own}/roles`, { role_name: 'Accountant', permissions })
    await make(server(), `/projects/${own}/users/${custom}/roles`, { role_id: role.id })
    await make(server(), `/organization/projects/${archived}/archive`, {})
    const { database, organization_id } = server()
    const used = [
      { project_id: own!, user_id: member, model: 'own-member' },
      { project_id: own!, user_id: owner, model: 'own-owner' },
      { project_id: other!, user_id: member, model: 'other-member' },
      { project_id: other!, user_id: stranger, model: 'other-stranger' },
    ]
    const rows = used.map((who, n) => ({
      series: { ...series, organization_id, ...who, api_key_id: `key-of-${who.model}` },
      minute: BEGIN / 60 + n,
      counts: { requests: 1, input: 10 ** n, output: 0, cost_input: 10 ** n },
    }))
    await database.write((sql) => rollUp(sql, database.engine, rows))
  })

  const models = async (id: string, query: string) => {
    const { status, json } = await get(id, 'completions', `${query}&group_by[]=model&group_by[]=api_key_id`)
    expect(status).toBe(200)
    type Bucket = { results: { model: string }[] }
    return (json.data as Bucket[]).flatMap(({ results }) => results.map(({ model }) => model)).toSorted()
  }

  test('of a project is for its owners, also through a group or a custom role, in every report', async () => {
    const { own, other, archived } = projects
    for (const name of names) {
      for (const who of [ids.owner, ids.grouped, ids.custom])
        expect([name, await sees(who, name, `project_ids[]=${own}`)]).toEqual([name, 200])
      expect([name, await sees(ids.owner, name, `project_ids[]=${archived}&project_ids[]=${own}`)]).toEqual([name, 200])
      const refused = ['', `project_ids[]=${other}`, `project_ids[]=${own}&project_ids[]=${other}`, 'project_ids[]=']
      for (const query of refused) expect([name, query, await sees(ids.owner, name, query)]).toEqual([name, query, 403])
      for (const who of [ids.member, ids.stranger])
        expect([name, await sees(who, name, `project_ids[]=${own}`)]).toEqual([name, 403])
    }
    expect(await models(ids.owner, `project_ids[]=${own}`)).toEqual(['own-member', 'own-owner'])
  })

  test('of oneself is for everybody, in all projects, and that of nobody else', async () => {
    for (const name of names) {
      const isOpen = membersOf(name).includes('user_ids')
      expect([name, await sees(ids.member, name, `user_ids[]=${ids.member}`)]).toEqual([name, isOpen ? 200 : 403])
      for (const query of [
        `user_ids[]=${ids.owner}`,
        `user_ids[]=${ids.member}&user_ids[]=${ids.owner}`,
        `user_ids[]=`,
        `api_key_ids[]=key-of-own-member`,
      ])
        expect([name, query, await sees(ids.member, name, query)]).toEqual([name, query, 403])
    }
    expect(await models(ids.member, `user_ids[]=${ids.member}`)).toEqual(['other-member', 'own-member'])
    expect(await models(ids.member, `user_ids[]=${ids.member}&project_ids[]=${projects.other}`)).toEqual([
      'other-member',
    ])
    expect(await models(ids.stranger, `user_ids[]=${ids.stranger}&project_ids[]=${projects.own}`)).toEqual([])
  })

  test('that is refused says what may be asked for, and not whether a project exists', async () => {
    const one = await get(ids.member, 'costs', 'project_ids[]=proj_unknown')
    const other = await get(ids.member, 'costs', `project_ids[]=${projects.other}`)
    expect(one.json.error).toEqual(other.json.error)
    expect(one.json.error).toMatchObject({ code: 'missing_scope', param: null })
    for (const word of ['api.usage.read', 'project_ids', `user_ids with ${ids.member}`])
      expect(one.json.error.message).toContain(word)
  })

  test('goes on to the next page only with the filter that the page was made for', async () => {
    const { own, other } = projects
    const query = 'bucket_width=1m&limit=1&end_time=9999999999'
    const { json } = await get(ids.owner, 'costs', `${query}&project_ids[]=${own}`)
    const next = `${query}&page=${json.next_page}`
    expect(await sees(ids.owner, 'costs', `${next}&project_ids[]=${own}`)).toBe(200)
    expect(await sees(ids.owner, 'costs', `${next}&project_ids[]=${other}`)).toBe(403)
    expect(await sees(ids.owner, 'costs', next)).toBe(403)
    expect(await sees(ids.owner, 'costs', `${next}&user_ids[]=${ids.owner}`)).toBe(400)
  })

  test('ends with the role in the project, from the next call on', async () => {
    const id = await person(projects.own, 'owner')
    expect(await sees(id, 'costs', `project_ids[]=${projects.own}`)).toBe(200)
    await make(server(), `/organization/projects/${projects.own}/users/${id}`, { role: 'member' })
    expect(await sees(id, 'costs', `project_ids[]=${projects.own}`)).toBe(403)
  })

  test('is not for a session or an admin key without the scope, whatever is asked for', async () => {
    const { value } = await newAdminKey(server(), { scopes: ['api.management.read', 'api.management.write'] })
    const cookie = await signIn(server(), value)
    const query = `start_time=${BEGIN}&user_ids[]=${server().owner_id}&project_ids[]=${projects.own}`
    for (const name of names) {
      const path = `${usage[name].path}?${query}`
      const bySession = await fromBrowser(server(), cookie, 'GET', path)
      const byKey = await server().request('GET', path, undefined, { authorization: `Bearer ${value}` })
      expect([name, bySession.status, byKey.status]).toEqual([name, 403, 403])
    }
  })
})
