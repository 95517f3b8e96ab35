/**
 * What every operation answers and leaves behind: the contract's shape, its audit events and no
 * other, and never a secret.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { Compile } from 'typebox/compile'
import { Clean } from 'typebox/value'
import { auditEvents, type AuditEvent } from '../../contract/audit-events.ts'
import { resourceIdOf } from '../../contract/audit-events.ts'
import { operations } from '../../contract/index.ts'
import { digest } from '../../keys/digest.ts'
import { recipe } from '../recipes.ts'
import { onBothEngines, testPepper } from '../setup.ts'
import { ask, call, changes, everythingHeard, expectError, type Answer } from './each.ts'

onBothEngines('answers', (server) => {
  for (const { name, operation } of operations) {
    test(`${name} answers what the contract says, and leaves its events and no other`, async () => {
      const { events, prepare, refusal } = recipe(name)
      const ready = await prepare(server())
      await server().events()
      const answer = await call(server(), operation, ready)
      if (refusal !== undefined) {
        expectError(answer, 400, { code: refusal })
        expect(await server().events()).toEqual({})
        return
      }
      expect(answer.status).toBe(200)
      expect([...Compile(operation.returns).Errors(answer.json)]).toEqual([])
      expect(Clean(operation.returns, JSON.parse(answer.text))).toEqual(answer.json)
      expect(answer.headers.get('openai-organization')).toBe(server().organization_id)
      expect(await server().events()).toEqual(events)
      expect(Object.keys(events).toSorted()).toEqual([...operation.audit].toSorted())
    })
  }

  for (const { name, operation } of changes)
    test(`${name} says in the audit log who did what, from where`, async () => {
      const ready = await recipe(name).prepare(server())
      await server().events()
      await call(server(), operation, ready, { headers: { 'user-agent': 'audit/1.0' } })
      const rows = await server()
        .database.read.selectFrom('audit_logs')
        .selectAll()
        .orderBy('seq', 'desc')
        .limit(Object.values(recipe(name).events).reduce((sum, count) => sum + count, 0))
        .execute()
      for (const row of rows) {
        const entry = JSON.parse(row.entry)
        expect([...Compile(auditEvents[row.type as AuditEvent]).Errors(entry[row.type])]).toEqual([])
        const owner = { user_id: server().owner_id, email: 'owner@example.com' }
        const isOfNobody = operation.can === null && name !== 'sessions.create'
        const caller = isOfNobody ? { key_id: null } : owner
        expect(entry.actor).toMatchObject({ ...caller, user_agent: 'audit/1.0' })
        expect(row.actor_id).toMatch(/^user-/)
        expect(row.actor_id).toBe(entry.actor.user_id)
        expect(row.resource_id).toBe(resourceIdOf(entry[row.type]))
        expect(row.project_id).toBe(entry.project_id)
        if (ready.params.project_id) expect(row.project_id).toBe(ready.params.project_id)
      }
    })

  describe('secrets', () => {
    const values: string[] = []
    beforeAll(async () => {
      for (const { name, operation } of operations)
        values.push(...valuesIn(await call(server(), operation, await recipe(name).prepare(server()))))
      expect(values.length).toBeGreaterThan(3)
      // A key where none belongs: in a path, in the query, in the body, as the caller's.
      for (const value of values) {
        await ask(server(), 'GET', `/organization/admin_api_keys/${value}`)
        await ask(server(), 'GET', `/organization/projects/${value}/api_keys/${value}`, { search: `after=${value}` })
        await ask(server(), 'GET', `/organization/${value}`, { key: null })
        await ask(server(), 'GET', `/organization/projects/${value.replaceAll('-', '%2D')}`)
        await ask(server(), 'GET', `/organization/${value.replace('s', '%73')}`)
        await ask(server(), 'DELETE', '/organization/users', { key: value, search: `key=${value}` })
        await ask(server(), 'GET', '/organization/users', { search: `limit=${value}&after=${value}` })
        await ask(server(), 'POST', '/organization/projects', { body: { name: 'x', residency: value, [value]: value } })
        await ask(server(), 'POST', '/organization/projects', { body: { name: 'x', residency: value } })
        await ask(server(), 'GET', '/organization/users', { key: `${value.slice(0, -1)}-` })
      }
      await server().context.lastUsed.flush()
    })

    test('no answer shows a key, but the one that creates it', () => {
      const texts = everythingHeard(server()).map(({ text }) => text.replace(/"value":"[^"]*"/, ''))
      expectNone(texts, values)
    })

    test('no log line shows a key', () => {
      expect(server().log.length).toBeGreaterThan(50)
      expectNone(
        server().log.map((line) => Bun.inspect(line, { depth: 10 })),
        values,
      )
    })

    test('no row of the database shows a key or the pepper', async () => {
      const { database } = server()
      for (const table of ['audit_logs', 'admin_api_keys', 'api_keys', 'projects', 'metadata', 'users'] as const) {
        const rows = await database.read.selectFrom(table).selectAll().execute()
        const texts = rows.map((row) => JSON.stringify({ ...row, digest: undefined }))
        expectNone(texts, values)
      }
    })
  })

  test('a 409 tells SDKs not to try again', async () => {
    const { world } = server()
    const { random } = world
    try {
      // The same key drawn twice: no other way leads to a conflict yet.
      const drawn = random(64)
      world.random = (size) => drawn.slice(0, size)
      const create = operations.find(({ name }) => name === 'adminAPIKeys.create')!.operation
      const first = await call(server(), create, { params: {}, body: { name: 'one' } })
      expect(first.status).toBe(200)
      await server().events()
      expectError(await call(server(), create, { params: {}, body: { name: 'two' } }), 409, { code: 'conflict' })
      expect(await server().events()).toEqual({})
    } finally {
      world.random = random
    }
  })

  afterAll(() => {
    expect(server().log.filter(({ status }) => status >= 500)).toEqual([])
  })
})

const valuesIn = ({ text }: Answer) => [...text.matchAll(/"value":"([^"]+)"/g)].map(([, value]) => value!)

/**
 * None of the texts holds a key, the secret part of one, a digest or the pepper, in any of the
 * usual spellings.
 */
function expectNone(texts: string[], values: string[]) {
  const bytes = [testPepper.reveal(), ...values.map((value) => digest(testPepper, value))]
  const forbidden = [
    ...values.flatMap((value) => [value, value.slice(value.lastIndexOf('-') + 8, -6)]),
    ...bytes.flatMap((one) => {
      const buffer = Buffer.from(one)
      return [buffer.toString('hex'), buffer.toString('base64'), buffer.toString('base64url'), [...buffer].join(',')]
    }),
  ]
  for (const text of texts) for (const one of forbidden) if (text.includes(one)) expect(text).not.toContain(one)
}
