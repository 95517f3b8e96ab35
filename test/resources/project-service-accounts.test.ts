import { expect, test } from 'bun:test'
import { newProject } from '../made.ts'
import { onBothEngines } from '../setup.ts'
import { refusal } from './refusal.ts'

onBothEngines('project service accounts', (server) => {
  const accounts = () => server().client.admin.organization.projects.serviceAccounts
  const keys = () => server().client.admin.organization.projects.apiKeys

  test('an account comes with a key that opens its project', async () => {
    const { id: project_id } = await newProject(server())
    await server().events()
    const made = await accounts().create(project_id, { name: 'Nightly' })
    expect(made).toMatchObject({
      object: 'organization.project.service_account',
      name: 'Nightly',
      role: 'member',
      api_key: { object: 'organization.project.service_account.api_key', name: 'Secret Key', expires_at: null },
    })
    expect(made.id).toMatch(/^user-[0-9A-Za-z]{24}$/)
    expect(made.api_key!.value).toMatch(/^sk-svcacct-1KyHaLl/)
    expect(await server().opens(made.api_key!.value)).toBe(200)
    const { data } = await keys().list(project_id)
    expect(data).toMatchObject([
      {
        id: made.api_key!.id,
        redacted_value: `sk-svcacct-...${made.api_key!.value.slice(-4)}`,
        owner_project_access: 'active',
        owner: { type: 'service_account', service_account: { id: made.id, name: 'Nightly', role: 'member' } },
      },
    ])
    expect(await server().events()).toEqual({ 'service_account.created': 1, 'api_key.created': 1 })
  })

  test('an account alone has no key and no role, until it is given one', async () => {
    const { id: project_id } = await newProject(server())
    await server().events()
    const made = await accounts().create(project_id, { name: 'Alone', create_service_account_only: true })
    expect(made).toMatchObject({ role: 'none', api_key: null })
    expect((await keys().list(project_id)).data).toEqual([])
    expect(await server().events()).toEqual({ 'service_account.created': 1 })

    const key = await accounts().apiKeys.create(made.id, { project_id })
    expect(await server().opens(key.value)).toBe(403)
    const access = async () => (await keys().retrieve(key.id, { project_id })).owner_project_access
    expect(await access()).toBe('inactive')
    expect(await accounts().update(made.id, { project_id, role: 'member' })).toMatchObject({ role: 'member' })
    expect(await access()).toBe('active')
    expect(await server().opens(key.value)).toBe(200)
    expect(await server().events()).toEqual({ 'api_key.created': 1, 'service_account.updated': 1 })
  })

  test('a key that is not made cannot expire', async () => {
    const { id: project_id } = await newProject(server())
    await server().events()
    const both = { name: 'x', create_service_account_only: true, expires_in_seconds: 60 }
    expect(await refusal(accounts().create(project_id, both))).toMatchObject({
      status: 400,
      param: 'expires_in_seconds',
    })
    expect(await server().events()).toEqual({})
    const made = await accounts().create(project_id, { name: 'x', expires_in_seconds: 60 })
    expect(made.api_key!.expires_at).toBe(made.api_key!.created_at + 60)
    server().world.ahead += 60
    expect(await server().opens(made.api_key!.value)).toBe(401)
    await server().events()
  })

  test('a further key has the name, scopes and lifetime that were asked for', async () => {
    const { id: project_id } = await newProject(server())
    const { id } = await accounts().create(project_id, { name: 'Keys', create_service_account_only: true })
    await server().events()
    const plain = await accounts().apiKeys.create(id, { project_id })
    expect(plain).toMatchObject({ name: 'Secret Key', expires_at: null })
    const named = await accounts().apiKeys.create(id, {
      project_id,
      name: 'CI',
      scopes: ['api.model.request'],
      expires_in_seconds: 60,
    })
    expect(named).toMatchObject({ name: 'CI', expires_at: named.created_at + 60 })
    expect(await server().events()).toEqual({ 'api_key.created': 2 })
  })

  test('a change keeps what it does not name, and one that changes nothing is no event', async () => {
    const { id: project_id } = await newProject(server())
    const { id } = await accounts().create(project_id, { name: 'Before', create_service_account_only: true })
    await server().events()
    expect(await accounts().update(id, { project_id, role: 'owner' })).toMatchObject({ name: 'Before', role: 'owner' })
    expect(await accounts().update(id, { project_id, name: 'After' })).toMatchObject({ name: 'After', role: 'owner' })
    expect(await server().events()).toEqual({ 'service_account.updated': 2 })
    for (const same of [{}, { name: 'After' }, { role: 'owner' as const }])
      expect(await accounts().update(id, { project_id, ...same })).toMatchObject({ name: 'After', role: 'owner' })
    expect(await refusal(accounts().update(id, { project_id, role: 'none' } as never))).toMatchObject({
      status: 400,
      code: 'invalid_value',
      param: 'role',
    })
    expect(await server().events()).toEqual({})
  })

  test('an account goes with all its keys, and with no other', async () => {
    const { id: project_id } = await newProject(server())
    const staying = await accounts().create(project_id, { name: 'Stays' })
    const going = await accounts().create(project_id, { name: 'Goes' })
    const second = await accounts().apiKeys.create(going.id, { project_id })
    const third = await accounts().apiKeys.create(going.id, { project_id })
    await keys().delete(third.id, { project_id })
    await server().events()
    expect(await accounts().delete(going.id, { project_id })).toEqual({
      object: 'organization.project.service_account.deleted',
      id: going.id,
      deleted: true,
    })
    expect(await server().events()).toEqual({ 'service_account.deleted': 1, 'api_key.deleted': 2 })
    expect((await keys().list(project_id, { owner_project_access: 'any' })).data).toMatchObject([
      { id: staying.api_key!.id },
    ])
    for (const value of [going.api_key!.value, second.value, third.value]) expect(await server().opens(value)).toBe(401)
    expect(await server().opens(staying.api_key!.value)).toBe(200)
    const gone = [
      () => accounts().retrieve(going.id, { project_id }),
      () => accounts().update(going.id, { project_id, name: 'x' }),
      () => accounts().delete(going.id, { project_id }),
      () => accounts().apiKeys.create(going.id, { project_id }),
    ]
    for (const call of gone)
      expect(await refusal(call())).toMatchObject({ status: 404, code: 'service_account_not_found' })
    expect(await server().events()).toEqual({})
  })

  test('accounts are no people', async () => {
    const { id: project_id } = await newProject(server())
    const { id } = await accounts().create(project_id, { name: 'Robot' })
    const { users } = server().client.admin.organization
    expect((await users.list()).data.map((user) => user.id)).not.toContain(id)
    expect(await refusal(users.retrieve(id))).toMatchObject({ status: 404 })
    await server().events()
  })
})
