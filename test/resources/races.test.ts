/** What two requests at the same moment cannot do together. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { createAdminKeyOnHost } from '../../admin/bootstrap.ts'
import { rounds } from '../runs.ts'
import { addPerson, onBothEngines, testPepper, type TestServer } from '../setup.ts'

const ROUNDS = rounds(100)

// A hundred rounds take a few seconds on a machine of its own, and minutes on a busy one.
setDefaultTimeout(10 * 60_000)

/** Sends the requests together and answers their statuses in order. */
const together = async (...requests: Promise<Response>[]) =>
  (await Promise.all(requests)).map((response) => response.status)

/** Another owner with an admin key. */
async function secondOwner(server: TestServer, id: string) {
  const email = `${id}@example.com`
  await addPerson(server, { id, email, role: 'owner' })
  const { value } = await createAdminKeyOnHost(server.database, [testPepper], server.world, { name: id, email })
  return { id, authorization: `Bearer ${value}` }
}

onBothEngines('races', (server) => {
  test('two owners who demote each other leave one owner', async () => {
    const first = { id: server().owner_id, authorization: `Bearer ${server().admin_key}` }
    const second = await secondOwner(server(), 'user-second')
    const demote = (by: typeof first, whom: typeof first) =>
      server().request(
        'POST',
        `/organization/users/${whom.id}`,
        { role: 'reader' },
        { authorization: by.authorization },
      )
    for (let round = 0; round < ROUNDS; round++) {
      const statuses = await together(demote(first, second), demote(second, first))
      // Who came second is an owner no more: either the key says nothing any more, or nobody else
      // would be left.
      expect(statuses.filter((status) => status === 200)).toHaveLength(1)
      expect(statuses.every((status) => [200, 400, 401].includes(status))).toBe(true)
      const [winner, loser] = statuses[0] === 200 ? [first, second] : [second, first]
      const restored = await server().request(
        'POST',
        `/organization/users/${loser.id}`,
        { role: 'owner' },
        { authorization: winner.authorization },
      )
      expect(restored.status).toBe(200)
    }
  })

  test('of two requests that add the same member one succeeds and one gets a 409', async () => {
    const { project_id, client } = server()
    const user_id = await addPerson(server(), { id: 'user-twice', email: 'twice@example.com' })
    const group = await client.admin.organization.groups.create({ name: 'Twice' })
    const users = `/organization/projects/${project_id}/users`
    const members = `/organization/groups/${group.id}/users`
    const add = (path: string, body: object) => server().request('POST', path, { user_id, ...body })
    for (let round = 0; round < ROUNDS; round++) {
      const [path, body] = round % 2 === 0 ? [users, { role: 'member' }] : [members, {}]
      expect((await together(add(path, body), add(path, body))).toSorted((a, b) => a - b)).toEqual([200, 409])
      expect((await server().request('DELETE', `${path}/${user_id}`)).status).toBe(200)
    }
  })

  test('a key changes nothing after it was deleted, even if its request came before', async () => {
    const { client, database, organization_id } = server()
    const { adminAPIKeys } = client.admin.organization
    let won = 0
    for (let round = 0; round < ROUNDS; round++) {
      const { id, value } = await adminAPIKeys.create({ name: 'soon gone' })
      const authorization = `Bearer ${value}`
      const deleting = server().request('DELETE', `/organization/admin_api_keys/${id}`)
      // Half of the time the deletion is under way when the other request arrives.
      if (round % 2 === 0) await new Promise((resolve) => setImmediate(resolve))
      const creating = server().request('POST', '/organization/groups', { name: `By ${id}` }, { authorization })
      const [deleted, created] = await together(deleting, creating)
      expect([deleted, [200, 401].includes(created!)]).toEqual([200, true])
      if (created === 200) won++
    }
    const events = await database.read
      .selectFrom('audit_logs')
      .select(['actor_key_id', 'resource_id', 'type'])
      .where('organization_id', '=', organization_id)
      .orderBy('seq')
      .execute()
    const gone = new Set<string | null>()
    const late = events.filter(({ actor_key_id, resource_id, type }) => {
      if (type === 'api_key.deleted') gone.add(resource_id)
      return gone.has(actor_key_id)
    })
    expect(late).toEqual([])
    expect(won).toBeLessThan(ROUNDS)
  })

  test('groups and roles of the same name are made once', async () => {
    for (let round = 0; round < ROUNDS / 2; round++) {
      const make = () => server().request('POST', '/organization/groups', { name: `Same ${round}` })
      expect((await together(make(), make())).toSorted((a, b) => a - b)).toEqual([200, 422])
      const role = () =>
        server().request('POST', '/organization/roles', { role_name: `Same ${round}`, permissions: [] })
      expect((await together(role(), role())).toSorted((a, b) => a - b)).toEqual([200, 400])
    }
  })

  test('a key issued while its project is archived has no access', async () => {
    const { owner_id: user_id, client } = server()
    for (let round = 0; round < ROUNDS; round++) {
      const { id } = await client.admin.organization.projects.create({ name: `Closing ${round}` })
      const path = `/organization/projects/${id}`
      const issuing = server().request('POST', `${path}/api_keys`, { name: 'late', user_id })
      // The body of the other takes a while to be read: without a pause, archiving would always
      // win.
      if (round % 2 === 0) await new Promise((resolve) => setImmediate(resolve))
      const archived = await server().request('POST', `${path}/archive`)
      expect(archived.status).toBe(200)
      const answer = await issuing
      const issued = (await answer.json()) as { value: string }
      if (answer.status === 200) expect(await server().opens(issued.value)).toBe(403)
      else expect(issued).toMatchObject({ error: { code: 'project_archived' } })
    }
  })

  test('a service account deleted while it joins a group is no member afterwards', async () => {
    const { project_id, client, database } = server()
    const { groups, projects } = client.admin.organization
    const { id: group_id } = await groups.create({ name: 'Robots' })
    let added = 0
    for (let round = 0; round < ROUNDS; round++) {
      const { id: user_id } = await projects.serviceAccounts.create(project_id, { name: 'robot' })
      const joining = server().request('POST', `/organization/groups/${group_id}/users`, { user_id })
      // As above: without a pause, whoever has no body to be read would always win.
      if (round % 2 === 0) await new Promise((resolve) => setImmediate(resolve))
      const leaving = server().request('DELETE', `/organization/projects/${project_id}/service_accounts/${user_id}`)
      const [joined, left] = await together(joining, leaving)
      expect([left, [200, 404].includes(joined!)]).toEqual([200, true])
      if (joined === 200) added++
    }
    expect([added > 0, added < ROUNDS]).toEqual([true, true])
    expect(
      await database.read.selectFrom('group_users').selectAll().where('group_id', '=', group_id).execute(),
    ).toEqual([])
  })
})
