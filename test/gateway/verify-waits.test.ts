/** `/verify` under limits: a key that dies while it waits, and requests that wait beside it. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { kyselyOver, runOf } from '../../database/kysely.ts'
import type { Database } from '../../database/types.ts'
import { recipeModel } from '../recipe-model.ts'
import { engines, START_MILLISECONDS, startServer, type TestServer } from '../setup.ts'
import { withMembers } from '../storage/watched-reads.ts'
import { startMetered } from './metered.ts'
import { addKeys } from './nodes.ts'

/** Holds the answers to exchanges of the ledger with the database, while a test wants it. */
class Exchanges {
  #released = Promise.resolve()
  #isHeld = Promise.withResolvers<void>()

  over = (database: Database) =>
    withMembers(database, {
      write: async (work) => {
        let isExchange = false
        const result = await database.write((sql) =>
          work(
            kyselyOver(database.engine, (text, parameters, rows) => {
              isExchange ||= text.includes('ledger_servers')
              return runOf(sql)(text, parameters, rows)
            }),
          ),
        )
        if (!isExchange) return result
        this.#isHeld.resolve()
        await this.#released
        return result
      },
    })

  /** Resolves when the database has answered one; returns what lets the answer arrive. */
  hold() {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#released = promise
    this.#isHeld = Promise.withResolvers()
    return { isHeld: this.#isHeld.promise, release: resolve }
  }
}

for (const engine of engines)
  describe(`a key that dies while /verify waits (${engine})`, () => {
    const exchanges = new Exchanges()
    let server: TestServer
    beforeAll(async () => {
      server = await startServer(engine, {
        wrap: exchanges.over,
        models: [{ ...recipeModel, match: 'limited', limits: { max_requests_per_1_minute: 2 } }],
      })
    }, START_MILLISECONDS)
    afterAll(() => server.stop())

    const opens = async (key: string) => {
      const headers = { authorization: `Bearer ${key}` }
      return (await server.fetch(new Request('http://keyhall.test/verify?model=limited', { headers }))).status
    }

    test('opens nothing any more, and counts as no request', async () => {
      const [dies, lives] = await addKeys(server.database, server, 2)
      const { isHeld, release } = exchanges.hold()
      // The one that the server holds ahead.
      expect(await opens(lives!.value)).toBe(200)
      const opened = opens(dies!.value)
      await isHeld
      const { project_id } = server
      await server.client.admin.organization.projects.apiKeys.delete(dies!.id, { project_id })
      release()
      expect(await opened).toBe(401)
      expect([await opens(lives!.value), await opens(lives!.value)]).toEqual([200, 429])
    })
  })

for (const engine of engines)
  test(`model requests that wait while /verify is asked do not pass a spend limit (${engine})`, async () => {
    const priced = { match: 'priced', prices: [{ input: 0, output: 2000 }], max_output_tokens: 100 }
    const server = await startMetered(engine, [{ ...priced, limits: { requests_per_minute: 10_000 } }])
    const answers = Promise.withResolvers<void>()
    server.answerWith(async () => {
      await answers.promise
      return Response.json({ usage: { prompt_tokens: 1, completion_tokens: 1 } })
    })
    try {
      const { project_id } = server
      const { spendLimit } = server.client.admin.organization.projects
      // Each request costs 20 cents at most.
      await spendLimit.update(project_id, { threshold_amount: 100, currency: 'USD', interval: 'month' })
      let refused = 0
      const asked = Array.from({ length: 20 }, async () => {
        const { status } = await server.finish('POST', '/chat/completions', { model: 'priced', messages: [] })
        if (status === 429) refused++
      })
      const headers = { authorization: `Bearer ${server.key}` }
      while (refused + server.received.length < 20) {
        await server.fetch(new Request('http://keyhall.test/verify?model=priced', { headers }))
        await Bun.sleep(0)
      }
      expect(server.received.length).toBeWithin(1, 6)
      answers.resolve()
      await Promise.all(asked)
    } finally {
      answers.resolve()
      await server.stop()
    }
  })
