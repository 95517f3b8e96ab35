/** Names that clients choose fill neither the database nor its reports. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { MOST_SERIES } from '../../ledger/series-rows.ts'
import { monthOf } from '../../ledger/usage-counts.ts'
import { budgetChecks, disagreements } from '../../ledger/verify.ts'
import { engines, START_MILLISECONDS } from '../setup.ts'
import { startMetered, type MeteredServer } from './metered.ts'

const messages = [{ role: 'user', content: 'Hi' }]
const answer = () => Response.json({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 } })

for (const engine of engines)
  describe(`names that clients choose (${engine})`, () => {
    let server: MeteredServer
    const said: { sentence: string; about: Record<string, unknown> }[] = []
    beforeAll(async () => {
      const models = [{ match: '*', prices: [{ input: 1, output: 2 }], max_output_tokens: 100 }]
      server = await startMetered(engine, models, { warn: (sentence, about) => said.push({ sentence, about }) })
    }, START_MILLISECONDS)
    afterAll(() => server.stop())

    const chat = (model: string, more: object = {}) =>
      server.finish('POST', '/chat/completions', { model, messages, ...more })
    const named = async () => {
      const rows = await server.database.read.selectFrom('usage_series').select('model').orderBy('model').execute()
      return rows.map(({ model }) => model)
    }
    const results = async (report: string, groups: string[]) => {
      const start = Math.floor(server.world.now() / 86_400_000) * 86_400
      const query = groups.map((group) => `&group_by[]=${group}`).join('')
      const got = await server.request('GET', `/organization/${report}?start_time=${start}&bucket_width=1d${query}`)
      const { data } = (await got.json()) as { data: { results: Record<string, unknown>[] }[] }
      return data.flatMap((bucket) => bucket.results)
    }

    test('a request that its upstream refuses, or that reached none, leaves no name', async () => {
      server.answerWith(async () => {
        await server.now.writeUsage()
        return Response.json({ error: { message: 'No such model' } }, { status: 404 })
      })
      expect((await chat('refused')).status).toBe(404)
      server.answerWith(async () => {
        await server.now.writeUsage()
        throw Object.assign(new Error('unreachable'), { code: 'ConnectionRefused' })
      })
      expect((await chat('unreached')).status).toBe(502)
      expect((await chat('x'.repeat(2_000))).status).toBe(400)
      await server.now.writeUsage()
      expect(await named()).toEqual([])
      expect(await server.database.read.selectFrom('in_flight').selectAll().execute()).toEqual([])
    })

    test('a name is cut, and one that no text can hold does not stop the counting of others', async () => {
      server.answerWith(answer)
      const long = 'm'.repeat(500)
      const names = [long, `${long}!`, 'nul\0nul', 'half\ud800']
      for (const model of names) await chat(model, { service_tier: 't\0' })
      await chat('usual')
      await server.now.writeUsage()
      expect(await named()).toEqual(['half\ufffd', 'm'.repeat(256), 'nulnul', 'usual'])
      const [all] = await results('usage/completions', [])
      expect(all).toMatchObject({ num_model_requests: 5, input_tokens: 35, output_tokens: 15 })
    })

    test('beyond the bound of a month they are `other`, and sums, money and whose it is stay exact', async () => {
      const month = monthOf(server.world.now())
      await server.database.write((sql) =>
        sql
          .updateTable('usage_series_counts')
          .set({ series: MOST_SERIES - 2 })
          .where('month', '=', month)
          .execute(),
      )
      for (const model of ['a', 'b', 'c', 'd', 'd', 'usual']) {
        await chat(model, { service_tier: `tier of ${model}` })
        await server.now.writeUsage()
      }
      await chat('a', { service_tier: 'tier of a' })
      await server.now.writeUsage()
      const groups = ['model', 'service_tier', 'project_id', 'user_id', 'api_key_id']
      const rows = await results('usage/completions', groups)
      const shown = rows
        .filter(({ service_tier }) => /^tier of|other/.test(String(service_tier)))
        .map((row) => [row.num_model_requests, row.input_tokens, row.model, row.service_tier])
      expect(shown).toEqual([
        [2, 14, 'a', 'tier of a'],
        [1, 7, 'b', 'tier of b'],
        [4, 28, 'other', 'other'],
      ])
      const users = new Set(rows.map(({ project_id, user_id, api_key_id }) => `${project_id} ${user_id} ${api_key_id}`))
      expect([...users]).toEqual([expect.stringMatching(new RegExp(`^${server.project_id} user-\\S+ key_\\S+$`))])
      // 12 requests in all: 7 tokens for a millionth of a dollar each, and 3 for two millionths.
      const [cost] = (await results('costs', [])) as [{ amount: { value: number } }]
      expect(cost.amount.value).toBeCloseTo(12 * 13e-6, 9)
      const checks = await budgetChecks(server.database.read, month)
      expect(checks.flatMap((check) => disagreements(check, null))).toEqual([])
      expect(said.filter(({ sentence }) => sentence.includes(`${MOST_SERIES}`))).toHaveLength(1)
      expect((await server.samples()).keyhall_usage_series).toBe(MOST_SERIES)
    })
  })
