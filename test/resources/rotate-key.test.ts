import { expect, test } from 'bun:test'
import type { Keyhall } from '../../client/index.ts'
import { clientOf } from '../client/setup.ts'
import { addPerson, onBothEngines } from '../setup.ts'

onBothEngines('rotation of a key', (server) => {
  const { organization } = { organization: () => clientOf(server()).admin.organization }
  const projects = () => organization().projects
  const refused = (call: PromiseLike<unknown>) =>
    Promise.resolve(call).then(
      () => null,
      (error: InstanceType<typeof Keyhall.APIError>) => ({ status: error.status, message: error.message }),
    )

  test('both keys open the project during the overlap, and only the new one after it', async () => {
    const { id: project_id } = await projects().create({ name: 'Rotated' })
    const account = await projects().serviceAccounts.create(project_id, { name: 'robot', expires_in_seconds: 5000 })
    const old = account.api_key!
    await projects().apiKeys.update(old.id, { project_id, scopes: ['api.model.request'] })
    server().world.ahead += 1000
    await server().events()
    const made = await projects().apiKeys.rotate(old.id, { project_id, overlap_seconds: 60 })
    expect(await server().events()).toEqual({ 'api_key.created': 1, 'api_key.updated': 1 })
    expect(made.value).toStartWith('sk-svcacct-')
    expect(made).toMatchObject({ name: 'Secret Key', owner: { service_account: { id: account.id } } })
    expect(made.expires_at! - made.created_at).toBe(5000)
    const { expires_at } = await projects().apiKeys.retrieve(old.id, { project_id })
    expect(expires_at).toBe(made.created_at + 60)
    for (const key of [old.value, made.value]) expect(await server().opens(key)).toBe(200)
    expect(made.scopes).toEqual(['api.model.request'])
    server().world.ahead += 61
    expect(await server().opens(old.value)).toBe(401)
    expect(await server().opens(made.value)).toBe(200)
    expect(await refused(projects().apiKeys.rotate(old.id, { project_id }))).toEqual({
      status: 400,
      message: `400 API key ${old.id} is expired and cannot be rotated`,
    })
  })

  test('a key never lives longer because it was rotated', async () => {
    const { project_id, owner_id } = server()
    const wanted = { name: 'short', user_id: owner_id, expires_in_seconds: 30 }
    const old = await projects().apiKeys.create(project_id, wanted)
    await server().events()
    await projects().apiKeys.rotate(old.id, { project_id, expires_in_seconds: 7000 })
    // Nothing of the old key has changed.
    expect(await server().events()).toEqual({ 'api_key.created': 1 })
    expect((await projects().apiKeys.retrieve(old.id, { project_id })).expires_at).toBe(old.expires_at)
  })

  test('a key whose owner has left the project is not replaced', async () => {
    const { project_id } = server()
    const user_id = await addPerson(server(), { id: 'user-gone', email: 'gone@example.com', project_id })
    const old = await projects().apiKeys.create(project_id, { name: 'laptop', user_id })
    await projects().users.delete(user_id, { project_id })
    const refusal = await refused(projects().apiKeys.rotate(old.id, { project_id }))
    expect(refusal).toMatchObject({ status: 400, message: expect.stringContaining('has no access to') })
    expect((await projects().apiKeys.retrieve(old.id, { project_id })).expires_at).toBe(null)
  })

  test('somebody rotates a key of their own, and no other', async () => {
    const { project_id } = server()
    const { me } = organization()
    const own = await me.apiKeys.create({ project_id, name: 'own' })
    const made = await me.apiKeys.rotate(own.id, { overlap_seconds: 10 })
    expect(made).toMatchObject({ name: 'own', project_id, expires_at: null })
    expect(await server().opens(made.value)).toBe(200)
    const user_id = await addPerson(server(), { id: 'user-other', email: 'other@example.com', project_id })
    const other = await projects().apiKeys.create(project_id, { name: 'theirs', user_id })
    expect(await refused(me.apiKeys.rotate(other.id))).toMatchObject({ status: 404 })
  })
})
