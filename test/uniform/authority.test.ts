/**
 * Who may call an operation: the same refusals, in the same words, for every operation of the
 * contract.
 */
import { describe, expect, test, beforeAll } from 'bun:test'
import { adminScopes } from '../../contract/scopes.ts'
import { newAdminKey, newServiceAccount } from '../made.ts'
import type { Ready } from '../recipe.ts'
import { recipe } from '../recipes.ts'
import { addTenant, guess, onBothEngines, unknownKey, type Tenant } from '../setup.ts'
import { call, expectError, paramNames, pathOf, withKey, withoutKey, withParams, ask } from './each.ts'

const noKey: Record<string, HeadersInit> = {
  'no Authorization header': {},
  'an empty one': { authorization: '' },
  'no scheme': { authorization: unknownKey('admin') },
  'another scheme': { authorization: 'Basic dXNlcjpwYXNz' },
  'a scheme alone': { authorization: 'Bearer' },
  'two words': { authorization: 'Bearer one two' },
}

const malformed = {
  'a word': 'hello',
  'a prefix': 'sk-admin-',
  'a short key': 'sk-admin-1KyHaLlabc',
  'a key that is too long': `sk-admin-${'a'.repeat(300)}`,
  'a legacy key': `sk-${'a'.repeat(48)}`,
  'letters outside ASCII': 'sk-admin-ké',
}

onBothEngines('authority', (server) => {
  for (const { name, operation } of withKey) {
    describe(name, () => {
      let ready: Ready
      beforeAll(async () => {
        ready = await recipe(name).prepare(server())
        await server().events()
      })

      for (const [what, headers] of Object.entries(noKey))
        test(`refuses ${what}`, async () => {
          expectError(await call(server(), operation, ready, { key: null, headers }), 401, { code: null, param: null })
        })

      test('refuses a repeated Authorization header', async () => {
        const headers = { authorization: `Bearer ${server().admin_key}` }
        expectError(await call(server(), operation, ready, { headers }), 401, { code: null })
      })

      test('refuses a key in the query string', async () => {
        for (const member of ['api_key', 'key', 'access_token', 'authorization']) {
          const search = `${member}=${server().admin_key}`
          expectError(await call(server(), operation, ready, { key: null, search }), 401, { code: null })
        }
        // Beside a header that is right, too: the URL stands in somebody's log.
        const key = server().admin_key
        for (const search of [`api_key=${key}`, key, `a[${key}]=1`, `x=1,${key}`, `after=Bearer%20%73k${key.slice(2)}`])
          expectError(await call(server(), operation, ready, { search }), 401, { code: null })
      })

      for (const [what, key] of Object.entries(malformed))
        test(`refuses ${what} for a key`, async () => {
          expectError(await call(server(), operation, ready, { key }), 401, { code: 'invalid_api_key', param: null })
        })

      test('refuses guessed, unknown, expired and deleted keys in the same words', async () => {
        const unknown = unknownKey('admin')
        const expired = await newAdminKey(server(), { expires_in_seconds: 1 })
        const deleted = await newAdminKey(server())
        await server().client.admin.organization.adminAPIKeys.delete(deleted.id)
        server().world.ahead += 1
        await server().events()
        const bodies = []
        for (const key of [guess('admin'), unknown, expired.value, deleted.value]) {
          const answer = await call(server(), operation, ready, { key })
          expectError(answer, 401, { code: 'invalid_api_key' })
          bodies.push(answer.text.replace(key.slice(-4), 'LAST'))
        }
        expect(new Set(bodies).size).toBe(1)
      })

      test('names the scope that an admin key lacks', async () => {
        const scopes = adminScopes.filter((scope) => scope !== operation.can)
        const { value } = await newAdminKey(server(), { scopes })
        await server().events()
        expectError(await call(server(), operation, ready, { key: value }), 403, {
          message: `insufficient permissions for this operation. Missing scopes: ${operation.can}`,
        })
      })

      test('refuses the key of a project', async () => {
        const { api_key } = await newServiceAccount(server())
        await server().events()
        expectError(await call(server(), operation, ready, { key: api_key.value }), 403, {
          message: `Missing scopes: ${operation.can}`,
        })
      })

      test('refuses a key that names another organization', async () => {
        const headers = { 'openai-organization': 'org-000000000000000000000000' }
        expectError(await call(server(), operation, ready, { headers }), 401, { code: 'mismatched_organization' })
      })

      test('none of these refusals is in the audit log', async () => {
        expect(await server().events()).toEqual({})
      })
    })
  }

  for (const { name, operation } of withoutKey)
    test(`${name} goes without a key, and a key makes no difference`, async () => {
      const { api_key } = await newServiceAccount(server())
      const keys = [...Object.values(malformed), server().admin_key, api_key.value, unknownKey('admin')]
      for (const headers of [...Object.values(noKey), ...keys.map((key) => ({ authorization: `Bearer ${key}` }))]) {
        const ready = await recipe(name).prepare(server())
        const right = recipe(name).refusal === undefined ? 200 : 400
        expect((await call(server(), operation, ready, { key: null, headers })).status).toBe(right)
      }
    })

  describe('objects of others', () => {
    let other: Tenant
    beforeAll(async () => {
      other = await addTenant(server())
    })

    for (const { name, operation } of withParams)
      test(`${name} answers an unknown id and one of another organization alike`, async () => {
        const [ours, theirs] = [await recipe(name).prepare(server()), await recipe(name).prepare(other)]
        await server().events()
        const names = paramNames(operation)
        // Each id alone, and all of them: a path may mix what is ours with what is theirs.
        for (const replaced of [names, ...names.map((one) => [one])]) {
          const answers = []
          for (const id of [undefined, 'user-000000000000000000000000', 'ö/?#%2F..']) {
            const params = { ...ours.params }
            for (const one of replaced) params[one] = id ?? theirs.params[one]!
            // A model has the same name everywhere.
            if (replaced.every((one) => params[one] === ours.params[one])) continue
            const answer = await call(server(), operation, { ...ours, params })
            expectError(answer, 404, { message: 'was not found' })
            answers.push(
              Object.values(params).reduce(
                (text, one) => text.replaceAll(JSON.stringify(one).slice(1, -1), 'ID'),
                answer.text,
              ),
            )
          }
          expect(new Set(answers).size).toBe(1)
        }
        expect(await server().events()).toEqual({})
      })

    // People and groups belong to the organization: whose roles are asked for in a project need not
    // be a member of it.
    const nested = withParams.filter(
      ({ operation: { path } }) =>
        /\}.*\{/.test(path) && !path.endsWith('_id}/roles') && !path.endsWith('{rate_limit_id}'),
    )
    for (const { name, operation } of nested)
      test(`${name} knows no object of another parent`, async () => {
        const [one, another] = [await recipe(name).prepare(server()), await recipe(name).prepare(server())]
        await server().events()
        const leaf = paramNames(operation).at(-1)!
        const params = { ...one.params, [leaf]: another.params[leaf]! }
        expectError(await call(server(), operation, { ...one, params }), 404, { message: 'was not found' })
        expect(await server().events()).toEqual({})
      })

    for (const { name, operation } of withParams)
      test(`${name} keeps what stands in an id in one segment`, async () => {
        const { params, body } = await recipe(name).prepare(server())
        await server().events()
        for (const param of paramNames(operation))
          for (const raw of ['a%2Fb', '..%2F..', '%252F', '%00', '%ED%A0%80', '%FF', '%', 'a%0Ab', '😀', "'--"]) {
            const path = pathOf(operation, params, { [param]: raw })
            const answer = await ask(server(), operation.method, path, { body })
            expectError(answer, 404, { message: 'was not found' })
            const known = await ask(server(), operation.method, pathOf(operation, params, { [param]: 'nobody' }), {
              body,
            })
            expect(answer.json.error.code).toBe(known.json.error.code)
          }
        expect(await server().events()).toEqual({})
      })
  })
})
