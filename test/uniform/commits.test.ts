/**
 * Every change can prove that it was committed: it leaves an event in the audit log, or says here
 * why it has none, and on PostgreSQL its own transaction leaves the row that is looked for when the
 * answer to COMMIT is lost.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { sql } from 'kysely'
import { recipe } from '../recipes.ts'
import { START_MILLISECONDS, startServer, type TestServer } from '../setup.ts'
import { call, changes } from './each.ts'

/** Operations that change something and for which there is no event, and why. */
const withoutEvent: Record<string, string> = {
  'externalKeys.validate': 'It changes nothing.',
  'externalStorage.validate': 'It changes nothing.',
  'sessions.links.create': 'The link is made after the answer; using it has an event.',
}

test('every operation that changes something has an event, or a reason for having none', () => {
  const eventless = changes.filter(({ operation }) => operation.audit.length === 0).map(({ name }) => name)
  expect(eventless.toSorted()).toEqual(Object.keys(withoutEvent).toSorted())
})

describe('the transaction of a change', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer('postgres')
  }, START_MILLISECONDS)
  afterAll(() => server.stop())

  /** The transactions that wrote the rows of `table`. */
  const transactions = async (table: 'commits' | 'audit_logs') => {
    const rows = await server.database.read
      .selectFrom(table)
      .select(sql<string>`xmin::text`.as('id'))
      .execute()
    return new Set(rows.map(({ id }) => id))
  }

  for (const { name, operation } of changes.filter((one) => !(one.name in withoutEvent)))
    test(`${name} leaves the row that proves it, in the transaction of its events`, async () => {
      const ready = await recipe(name).prepare(server)
      const before = await transactions('audit_logs')
      expect((await call(server, operation, ready)).status).toBe(200)
      const mine = (await transactions('audit_logs')).difference(before)
      expect(mine.size).toBe(1)
      expect(mine.isSubsetOf(await transactions('commits'))).toBe(true)
    })
})
