import { expect, test } from 'bun:test'
import { AuthenticationError, PermissionDeniedError } from 'openai'
import { adminScopes } from '../../contract/scopes.ts'
import { newAdminKey } from '../made.ts'
import { addPerson, giveAdminKey, onBothEngines } from '../setup.ts'
import { refusal } from './refusal.ts'

onBothEngines('admin API keys', (server) => {
  const keys = () => server().client.admin.organization.adminAPIKeys
  /** What a key answers when it is used. */
  const used = async (value: string) => {
    const { status } = await server().request('GET', '/organization/users', undefined, {
      authorization: `Bearer ${value}`,
    })
    return status
  }

  test('a key shows its value once, and opens at once', async () => {
    const made = await keys().create({ name: 'Deployments' })
    expect(made.value).toMatch(/^sk-admin-1KyHaLl[0-9A-Za-z]{49}$/)
    expect(made.redacted_value).toBe(`sk-admin-...${made.value.slice(-4)}`)
    expect(made).toMatchObject({
      object: 'organization.admin_api_key',
      name: 'Deployments',
      expires_at: null,
      last_used_at: null,
      owner: { type: 'user', object: 'organization.user', id: server().owner_id, role: 'owner' },
    })
    const { value, ...rest } = made
    expect(await keys().retrieve(made.id)).toEqual(rest as never)
    expect(await used(value)).toBe(200)
    expect(await server().events()).toEqual({ 'api_key.created': 1 })
  })

  test('a deleted key opens nothing from then on, and is not found', async () => {
    const { id, value } = await newAdminKey(server())
    await server().events()
    expect(await used(value)).toBe(200)
    expect(await keys().delete(id)).toEqual({ object: 'organization.admin_api_key.deleted', id, deleted: true })
    expect(await used(value)).toBe(401)
    for (const again of [() => keys().delete(id), () => keys().retrieve(id)])
      expect(await refusal(again())).toMatchObject({ status: 404, code: 'api_key_not_found' })
    expect(await server().events()).toEqual({ 'api_key.deleted': 1 })
  })

  test('a key may delete itself, once', async () => {
    const { id, value } = await newAdminKey(server())
    await server().events()
    const itself = server().clientWith(value).admin.organization.adminAPIKeys
    expect(await itself.delete(id)).toMatchObject({ id, deleted: true })
    expect(await refusal(itself.delete(id))).toBeInstanceOf(AuthenticationError)
    expect(await server().events()).toEqual({ 'api_key.deleted': 1 })
  })

  test('of many that delete with one key at the same moment, none works after it deleted itself', async () => {
    const { id, value } = await newAdminKey(server())
    const others = await Promise.all(Array.from({ length: 10 }, () => newAdminKey(server())))
    await server().events()
    const own = server().clientWith(value).admin.organization.adminAPIKeys
    const outcomes = await Promise.allSettled([id, ...others.map((other) => other.id)].map((one) => own.delete(one)))
    const done = outcomes.filter(({ status }) => status === 'fulfilled').length
    expect(await server().events()).toEqual({ 'api_key.deleted': done })
    const left = new Set<string>()
    for await (const key of keys().list({ limit: 100 })) left.add(key.id)
    const deleted = others.filter((other, n) => outcomes[n + 1]!.status === 'fulfilled' && !left.has(other.id))
    expect(deleted.length).toBe(done - 1)
    expect(others.filter((other) => left.has(other.id)).length).toBe(others.length - deleted.length)
    expect(await used(value)).toBe(401)
  })

  test('a key expires at the second that it says', async () => {
    const made = await keys().create({ name: 'Short', expires_in_seconds: 100 })
    expect(made.expires_at).toBe(made.created_at + 100)
    server().world.ahead += 98
    expect(await used(made.value)).toBe(200)
    server().world.ahead += 2
    expect(await used(made.value)).toBe(401)
    expect(await keys().retrieve(made.id)).toMatchObject({ expires_at: made.expires_at })
    for (const expires_in_seconds of [0, -1, 31_536_001])
      expect(await refusal(keys().create({ name: 'x', expires_in_seconds }))).toMatchObject({
        status: 400,
        param: 'expires_in_seconds',
      })
    expect(await server().events()).toEqual({ 'api_key.created': 1 })
  })

  test('nobody grants a scope that they do not hold', async () => {
    const { value } = await newAdminKey(server(), { scopes: ['api.management.write'] })
    await server().events()
    const limited = server().clientWith(value)
    for (const scopes of [['api.management.read'], ['api.management.write', 'api.usage.read'], [...adminScopes]]) {
      const error = await refusal(limited.admin.organization.adminAPIKeys.create({ name: 'more', scopes } as never))
      expect(error).toBeInstanceOf(PermissionDeniedError)
      const missing = scopes.find((scope) => scope !== 'api.management.write')
      expect(error.message).toContain(`Missing scopes: ${missing}`)
    }
    expect(await server().events()).toEqual({})
    const same = await limited.admin.organization.adminAPIKeys.create({ name: 'the same' })
    expect(same).not.toHaveProperty('scopes')
    expect(await used(same.value)).toBe(403)
    expect(await server().events()).toEqual({ 'api_key.created': 1 })
  })

  test('scopes are at least one, known, and none twice', async () => {
    for (const scopes of [
      [],
      ['api.management.read', 'api.management.read'],
      ['api.model.request'],
      'api.management.read',
    ])
      expect(await refusal(keys().create({ name: 'x', scopes } as never))).toMatchObject({ status: 400 })
    expect(await server().events()).toEqual({})
  })

  test('keys are those of an owner: when the owner is none any more, they open nothing', async () => {
    const { client } = server()
    const eve = await addPerson(server(), { id: 'user-eve', email: 'eve@example.com', role: 'owner' })
    const made = await newAdminKey(server())
    await giveAdminKey(server(), made.id, eve)
    expect(await used(made.value)).toBe(200)
    await client.admin.organization.users.update(eve, { role: 'reader' })
    expect(await used(made.value)).toBe(401)
    await client.admin.organization.users.update(eve, { role: 'owner' })
    expect(await used(made.value)).toBe(200)
    await client.admin.organization.users.delete(eve)
    expect(await used(made.value)).toBe(401)
    await server().events()
  })

  test('the list is oldest first, or newest first when asked', async () => {
    const ids = async (order?: 'asc' | 'desc') => {
      const seen: string[] = []
      for await (const { id } of keys().list({ limit: 3, order })) seen.push(id)
      return seen
    }
    const all = await ids()
    expect(all.length).toBeGreaterThan(4)
    expect(await ids('asc')).toEqual(all)
    expect(await ids('desc')).toEqual(all.toReversed())
  })

  test('last use is kept, and never in the future', async () => {
    const made = await newAdminKey(server())
    await used(made.value)
    await server().context.lastUsed.flush()
    const { last_used_at } = await keys().retrieve(made.id)
    expect(last_used_at).toBeGreaterThan(0)
    expect(last_used_at).toBeLessThanOrEqual(Math.floor(server().world.now() / 1000))
    await server().events()
  })
})
