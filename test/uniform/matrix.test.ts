/** Who may call what: every operation of the contract times every kind of key that there is. */
import { beforeAll, expect, test } from 'bun:test'
import { createAdminKeyOnHost } from '../../admin/bootstrap.ts'
import { operations } from '../../contract/index.ts'
import type { Operation } from '../../contract/kit.ts'
import { adminScopes } from '../../contract/scopes.ts'
import { newAdminKey, newProject, newServiceAccount } from '../made.ts'
import { recipe } from '../recipes.ts'
import {
  addPerson,
  addTenant,
  guess,
  onBothEngines,
  testPepper,
  unknownKey,
  type Tenant,
  type TestServer,
} from '../setup.ts'
import { call, paramNames } from './each.ts'

const foreign = 'an admin key of another organization'

/**
 * What they do gives somebody a role that has every scope as a permission, or one that has
 * `api.usage.read`.
 */
const granting = ['users.update', 'users.roles.create', 'groups.roles.create', 'invites.create']

/** With what each is refused; null where it is not. */
const expected: Record<string, (operation: Operation, name: string) => number | null> = {
  'no key': () => 401,
  'a malformed key': () => 401,
  'a guessed key': () => 401,
  'an unknown key': () => 401,
  'an expired admin key': () => 401,
  'a deleted admin key': () => 401,
  'a read-only admin key': ({ can }) => (can === 'api.management.read' ? null : 403),
  'an admin key that may only write': ({ can }, name) =>
    can === 'api.management.write' && !granting.includes(name) ? null : 403,
  'an admin key that may only see usage': ({ can }) => (can === 'api.usage.read' ? null : 403),
  'an admin key that may do everything': () => null,
  // Where a path names nothing, the call is about the other organization, and ours does not change.
  [foreign]: (operation) => (paramNames(operation).length > 0 ? 404 : null),
  'an admin key of a demoted owner': () => 401,
  'an admin key of a removed owner': () => 401,
  'an admin key of an owner through a group that is gone': () => 401,
  'a key of a service account': () => 403,
  'a key of an owner of the project': () => 403,
  'a key of an archived project': () => 403,
  'a key of somebody who left the organization': () => 403,
  'a deleted key of a project': () => 401,
  'an expired key of a project': () => 401,
}

onBothEngines('matrix', (server) => {
  let keys: Record<string, string | null>
  let other: Tenant
  beforeAll(async () => {
    other = await addTenant(server())
    keys = await keysOf(server(), other)
  })

  test('has a key of each kind', () => {
    expect(Object.keys(keys).toSorted()).toEqual(Object.keys(expected).toSorted())
    const values = Object.values(keys).filter((key) => key !== null)
    expect(new Set(values).size).toBe(values.length)
  })

  for (const { name, operation } of operations)
    test(`${name} answers each kind of key as it must`, async () => {
      const ours = await recipe(name).prepare(server())
      const answers: Record<string, number> = {}
      const rightAnswers: Record<string, number> = {}
      for (const [kind, status] of Object.entries(expected)) {
        const refusal = operation.can === null ? null : status(operation, name)
        const isElsewhere = refusal === null && kind === foreign && operation.can !== null
        const ready = refusal === null ? await recipe(name).prepare(isElsewhere ? other : server()) : ours
        await server().events()
        answers[kind] = (await call(server(), operation, ready, { key: keys[kind]! })).status
        rightAnswers[kind] = refusal ?? (recipe(name).refusal === undefined ? 200 : 400)
        expect(await server().events()).toEqual(refusal === null && !isElsewhere ? recipe(name).events : {})
      }
      expect(answers).toEqual(rightAnswers)
    })
})

/** A key of each kind. */
async function keysOf(server: TestServer, other: Tenant): Promise<Record<string, string | null>> {
  const { client, world, database, project_id } = server
  const { organization } = client.admin
  const adminKey = async (body: object) => (await newAdminKey(server, body)).value
  const scoped = (scope: string) => adminKey({ scopes: adminScopes.filter((one) => one === scope) })

  const ownerBy = async (id: string, role: 'owner' | 'reader' = 'owner') => {
    const email = `${id}@example.com`
    await addPerson(server, { id, email, role })
    return async () => (await createAdminKeyOnHost(database, [testPepper], world, { name: id, email })).value
  }
  const demoted = await (await ownerBy('user-demoted'))()
  await organization.users.update('user-demoted', { role: 'reader' })
  const removed = await (await ownerBy('user-removed'))()
  await organization.users.delete('user-removed')
  const issue = await ownerBy('user-grouped', 'reader')
  const group = await organization.groups.create({ name: 'Owners for a while' })
  await organization.groups.users.create(group.id, { user_id: 'user-grouped' })
  await organization.groups.roles.create(group.id, { role_id: 'role-api-organization-owner' })
  const grouped = await issue()
  await organization.groups.delete(group.id)

  const personal = async (project: string, user_id: string, body: object = {}) => {
    await addPerson(server, {
      id: user_id,
      email: `${user_id}@example.com`,
      project_id: project,
      project_role: 'owner',
    })
    const path = `/organization/projects/${project}/api_keys`
    const made = await server.request('POST', path, { name: 'Matrix', user_id, ...body })
    return (await made.json()) as { id: string; value: string }
  }
  const archived = await newProject(server)
  const left = await personal(project_id, 'user-left')
  await organization.users.delete('user-left')
  const deleted = await personal(project_id, 'user-deleted-key')
  await organization.projects.apiKeys.delete(deleted.id, { project_id })
  const deletedAdminKey = await newAdminKey(server)
  await organization.adminAPIKeys.delete(deletedAdminKey.id)

  const keys = {
    'no key': null,
    'a malformed key': 'sk-admin-1KyHaLlabc',
    'a guessed key': guess('admin'),
    'an unknown key': unknownKey('admin'),
    'an expired admin key': await adminKey({ expires_in_seconds: 1 }),
    'a deleted admin key': deletedAdminKey.value,
    'a read-only admin key': await scoped('api.management.read'),
    'an admin key that may only write': await scoped('api.management.write'),
    'an admin key that may only see usage': await scoped('api.usage.read'),
    'an admin key that may do everything': await adminKey({}),
    [foreign]: other.admin_key,
    'an admin key of a demoted owner': demoted,
    'an admin key of a removed owner': removed,
    'an admin key of an owner through a group that is gone': grouped,
    'a key of a service account': (await newServiceAccount(server)).api_key.value,
    'a key of an owner of the project': (await personal(project_id, 'user-project-owner')).value,
    'a key of an archived project': (await personal(archived.id, 'user-archived')).value,
    'a key of somebody who left the organization': left.value,
    'a deleted key of a project': deleted.value,
    'an expired key of a project': (await personal(project_id, 'user-expired', { expires_in_seconds: 1 })).value,
  }
  await organization.projects.archive(archived.id)
  world.ahead += 1
  return keys
}
