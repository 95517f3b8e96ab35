/**
 * The first requests under a rate limit: a server that is alone has got some of it before, so they
 * wait for no exchange with the database.
 */
import { expect, test } from 'bun:test'
import type { Database } from '../../database/types.ts'
import { modelSettings, type ModelInFile } from '../../gateway/model-config.ts'
import { singleUpstream } from '../../gateway/upstream-config.ts'
import { newServiceAccount } from '../made.ts'
import { startOther } from '../other-server.ts'
import { emptyDatabase, engines, startServer, type TestServer } from '../setup.ts'
import { watchReads, withMembers } from '../storage/watched-reads.ts'
import { startMetered } from './metered.ts'

const models: ModelInFile[] = [
  { match: 'limited', limits: { requests_per_minute: 100, tokens_per_minute: 100_000, requests_per_day: 1000 } },
  { match: 'family-*', limits: { requests_per_minute: 20, images_per_minute: 20 } },
]

type Asked = Pick<TestServer, 'fetch' | 'metrics'>

/** Of a completion, and of the list of models. */
const answer = { data: [], usage: { prompt_tokens: 1, completion_tokens: 1 } }

const ask = (server: Asked, key: string, model: string) =>
  server.fetch(
    new Request('http://keyhall.test/v1/chat/completions', {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello?' }] }),
    }),
  )

/** The status of a request, how many had waited, and what is left of the limit. */
async function asked(server: Asked, key: string, model: string) {
  const answer = await ask(server, key, model)
  await answer.text()
  const [, waits] = /^keyhall_limit_waits_total (\d+)$/m.exec(await (await server.metrics()).text()) ?? []
  const remaining = answer.headers.get('x-ratelimit-remaining-requests')
  return { status: answer.status, waits: Number(waits), remaining: remaining === null ? null : Number(remaining) }
}

for (const engine of engines) {
  test(`a new key waits for nothing, whatever the model, in a new project too (${engine})`, async () => {
    const server = await startMetered(engine, models)
    server.answerWith(() => Response.json(answer))
    try {
      expect(await asked(server, server.key, 'limited')).toEqual({ status: 200, waits: 0, remaining: 99 })
      expect(await asked(server, server.key, 'family-one')).toEqual({ status: 200, waits: 0, remaining: 19 })
      const { api_key } = await newServiceAccount(server)
      expect(await asked(server, api_key.value, 'family-two')).toEqual({ status: 200, waits: 0, remaining: 19 })
    } finally {
      await server.stop()
    }
  })

  test(`after a change of a limit the next request waits for nothing, and is under the new one (${engine})`, async () => {
    const server = await startMetered(engine, models)
    server.answerWith(() => Response.json(answer))
    const { rateLimits } = server.client.admin.organization.projects
    const { project_id } = server
    try {
      await asked(server, server.key, 'limited')
      for (const limit of [50, 3, 80]) {
        await rateLimits.updateRateLimit('rl-limited', { project_id, max_requests_per_1_minute: limit })
        const { status, waits, remaining } = await asked(server, server.key, 'limited')
        expect({ status, waits }).toEqual({ status: 200, waits: 0 })
        expect(remaining).toBeLessThan(limit)
      }
      await rateLimits.updateRateLimit('rl-limited', { project_id, max_requests_per_1_minute: 4 })
      expect((await asked(server, server.key, 'limited')).status).toBe(429)
    } finally {
      await server.stop()
    }
  })

  test(`a key is answered though the database hangs when it was made (${engine})`, async () => {
    const answer = Promise.withResolvers<void>()
    let hangs = false
    const wrap = (database: Database) =>
      watchReads(database, async (sql, read) => {
        if (hangs && sql.includes('rate_limits')) await answer.promise
        return read()
      })
    const server = await startMetered(engine, models, { wrap })
    try {
      hangs = true
      const { api_key } = await newServiceAccount(server)
      expect(api_key.value).toStartWith('sk-')
    } finally {
      answer.resolve()
      await server.stop()
    }
  })

  test(`a change of a limit is answered though the database hangs from its commit on (${engine})`, async () => {
    const back = Promise.withResolvers<void>()
    let [mayHang, hangs] = [false, false]
    const wait = async () => {
      if (hangs) await back.promise
    }
    const wrap = (database: Database) =>
      withMembers(
        watchReads(database, async (_, read) => (await wait(), read())),
        {
          announce: async (sql) => (await database.announce(sql), (hangs = mayHang), undefined),
          write: async (work) => (await wait(), database.write(work)),
        },
      )
    const server = await startMetered(engine, models, { wrap, leaseMilliseconds: 1_000, outages: true })
    const { project_id } = server
    try {
      mayHang = true
      const { rateLimits } = server.client.admin.organization.projects
      const changed = await rateLimits.updateRateLimit('rl-limited', { project_id, max_requests_per_1_minute: 4 })
      expect(changed.max_requests_per_1_minute).toBe(4)
    } finally {
      hangs = mayHang = false
      back.resolve()
      await server.stop()
    }
  })

  test(`nothing is asked for on behalf of a project that is archived (${engine})`, async () => {
    const server = await startMetered(engine, models)
    try {
      const { projects } = server.client.admin.organization
      const { id } = await projects.create({ name: 'short' })
      await projects.archive(id)
      const windows = server.database.read.selectFrom('rate_windows').select('limit_key').where('project_id', '=', id)
      expect(await windows.execute()).toEqual([])
    } finally {
      await server.stop()
    }
  })

  test(`a server that starts has got some of the limits of keys that nobody used (${engine})`, async () => {
    const on = await emptyDatabase(engine)
    const before = await startServer(engine, { on: { address: on.address, drop: async () => {} } })
    const { api_key } = await newServiceAccount(before)
    await before.stop()
    const [base] = singleUpstream('http://one.test/v1', null).upstreams
    const server = await startOther(
      { address: on.address, world: { ...before.world, fetch: async () => Response.json(answer) } },
      { upstreams: { upstreams: [{ ...base!, models: ['*'] }], models: models.map(modelSettings) } },
    )
    try {
      expect(await asked(server, api_key.value, 'limited')).toEqual({ status: 200, waits: 0, remaining: 99 })
    } finally {
      await server.stop()
      await on.drop()
    }
  })

  test(`a server starts and serves though nobody can say which servers died (${engine})`, async () => {
    const wrap = (database: Database) =>
      watchReads(database, async (sql, read) => {
        if (sql.includes('swept_servers')) throw new Error('the table cannot be read')
        return read()
      })
    const server = await startMetered(engine, models, { wrap, outages: true })
    server.answerWith(() => Response.json(answer))
    try {
      expect((await asked(server, server.key, 'unlimited')).status).toBe(200)
    } finally {
      await server.stop()
    }
  })
}
