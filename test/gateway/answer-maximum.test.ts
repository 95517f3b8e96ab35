/**
 * Under a spend limit every upstream is told how long its answer may be, in a member that it knows.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { START_MILLISECONDS } from '../setup.ts'
import { startMetered, type MeteredServer } from './metered.ts'

const messages = [{ role: 'user', content: 'Hello?' }]

describe('the maximum of an answer under a spend limit', () => {
  let server: MeteredServer
  beforeAll(async () => {
    const prices = [{ input: 1, output: 2 }]
    server = await startMetered('sqlite', [
      { match: 'open', prices, context_tokens: 2048 },
      { match: '*', prices, context_tokens: 2048, max_output_tokens: 64 },
    ])
    const { spendLimit } = server.client.admin.organization.projects
    await spendLimit.update(server.project_id, { threshold_amount: 100_000, currency: 'USD', interval: 'month' })
  }, START_MILLISECONDS)
  afterAll(() => server.stop())
  beforeEach(() => {
    server.received.length = 0
    server.answerWith(() => Response.json({ usage: { prompt_tokens: 1, completion_tokens: 1 } }))
  })

  /** The members that say it, of each request that the upstream gets. */
  const sent = async (model: string, body: object) => {
    const { status } = await server.finish('POST', '/chat/completions', { model, messages, ...body })
    const asked = server.received
      .splice(0)
      .map(({ body: { max_tokens, max_completion_tokens } }) => [max_tokens ?? null, max_completion_tokens ?? null])
    return { status, asked }
  }

  test('is in the older member too, because some servers ignore the newer one', async () => {
    expect(await sent('a', {})).toEqual({ status: 200, asked: [[64, null]] })
    expect(await sent('a', { max_completion_tokens: 10 })).toEqual({ status: 200, asked: [[10, 10]] })
    expect(await sent('a', { max_completion_tokens: 999 })).toEqual({ status: 200, asked: [[64, 64]] })
    expect(await sent('a', { max_tokens: 10 })).toEqual({ status: 200, asked: [[10, null]] })
    expect(await sent('a', { max_tokens: null })).toEqual({ status: 200, asked: [[64, null]] })
  })

  test('is in the newer member where the upstream refuses the older one, and that is remembered', async () => {
    server.answerWith(({ body }) =>
      body.max_tokens === undefined
        ? Response.json({ usage: { prompt_tokens: 1, completion_tokens: 1 } })
        : Response.json(
            { error: { message: "Use 'max_completion_tokens' instead of 'max_tokens'.", param: 'max_tokens' } },
            { status: 400 },
          ),
    )
    expect(await sent('b', {})).toEqual({
      status: 200,
      asked: [
        [64, null],
        [null, 64],
      ],
    })
    expect(await sent('b', {})).toEqual({ status: 200, asked: [[null, 64]] })
    expect(await sent('b', { max_completion_tokens: 10 })).toEqual({ status: 200, asked: [[null, 10]] })
    expect(await sent('c', { max_completion_tokens: 10 })).toEqual({
      status: 200,
      asked: [
        [10, 10],
        [null, 10],
      ],
    })
    // What the client itself asks for is for the upstream to refuse.
    expect(await sent('b', { max_tokens: 10 })).toEqual({ status: 400, asked: [[10, null]] })
  })

  test('stays in the older member though the upstream quotes the newer one from what a client wrote', async () => {
    const quoting = (text: string) => () => Response.json({ error: { message: text, param: null } }, { status: 400 })
    for (const [model, body, quoted] of [
      ['q1', { messages: [{ role: 'max_completion_tokens', content: '' }] }, "no role 'max_completion_tokens'"],
      ['q2', { user: 'MAX_Completion_tokens' }, 'no user MAX_Completion_tokens'],
      ['q3', { user: 'max_completion' }, 'no user max_completion'],
      ['q4', { max_completion_tokens: 10 }, "'max_completion_tokens' is no member"],
    ] as const) {
      server.answerWith(quoting(quoted))
      expect((await sent(model, body)).status).toBe(400)
      server.answerWith(() => Response.json({ usage: { prompt_tokens: 1, completion_tokens: 1 } }))
      expect(await sent(model, {})).toEqual({ status: 200, asked: [[64, null]] })
    }
    server.answerWith(quoting('no user max_completion_tokens'))
    const spelt = `{"model":"q5","messages":[],"user":"max_completion\\u005ftokens"}`
    await server.finish('POST', '/chat/completions', spelt)
    await server.finish('POST', '/chat/completions?a=max_completion_tokens', { model: 'q5', messages })
    const headers = { 'openai-beta': 'max_completion_tokens' }
    await server.finish('POST', '/chat/completions', { model: 'q5', messages }, { headers })
    server.received.length = 0
    server.answerWith(() => Response.json({ usage: { prompt_tokens: 1, completion_tokens: 1 } }))
    expect(await sent('q5', {})).toEqual({ status: 200, asked: [[64, null]] })
  })

  test('is in the newer member although the client writes other letters by their numbers', async () => {
    server.answerWith(({ body }) =>
      body.max_tokens === undefined
        ? Response.json({ usage: { prompt_tokens: 1, completion_tokens: 1 } })
        : Response.json({ error: { message: "use 'max_completion_tokens'" } }, { status: 400 }),
    )
    const spelt = String.raw`{"model":"q6","messages":[],"user":"\u00e9"}`
    expect((await server.finish('POST', '/chat/completions', spelt)).status).toBe(200)
  })

  test('stays in the older member where a refusal does not show that the upstream knows the newer', async () => {
    server.answerWith(() => Response.json({ error: { message: "'max_tokens' is too large" } }, { status: 400 }))
    for (let time = 0; time < 2; time++) expect(await sent('d', {})).toEqual({ status: 400, asked: [[64, null]] })
  })

  test('of a model without one is what the request names: what is no number is replaced by it', async () => {
    const named = { max_completion_tokens: 5, max_tokens: -1 }
    expect(await sent('open', named)).toEqual({ status: 200, asked: [[5, 5]] })
    expect(await sent('open', { max_tokens: -1 })).toEqual({ status: 400, asked: [] })
  })

  test('is not 0 where a request names 0, which some servers take for any length', async () => {
    const before = await broken()
    server.answerWith(() => Response.json({ usage: { prompt_tokens: 1, completion_tokens: 64 } }))
    expect(await sent('a', { max_tokens: 0 })).toEqual({ status: 200, asked: [[0, null]] })
    expect(await sent('a', { max_completion_tokens: 0 })).toEqual({ status: 200, asked: [[64, 0]] })
    expect(await sent('a', { max_completion_tokens: 5, max_tokens: '0' })).toEqual({ status: 200, asked: [['0', 5]] })
    expect(await broken()).toBe(before)
    expect(await sent('open', { max_tokens: 0 })).toEqual({ status: 400, asked: [] })
  })

  const broken = async () => {
    await server.now.writeUsage()
    return (await server.samples()).keyhall_bound_broken_total
  }
})
