/**
 * What Anthropic's own SDK hears of refusals and of streams that break, in the shape that it knows.
 */
import { APIError, AuthenticationError, PermissionDeniedError, RateLimitError } from '@anthropic-ai/sdk'
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { startForAnthropic, type AnthropicServer } from './anthropic-client.ts'
import { engines, START_MILLISECONDS } from '../setup.ts'
import { message, text, words, hello, weather } from './messages.ts'
import { streamOf } from './metered.ts'

for (const engine of engines)
  describe(`Anthropic's SDK, refused (${engine})`, () => {
    let server: AnthropicServer
    beforeAll(async () => void (server = await startForAnthropic(engine)), START_MILLISECONDS)
    afterAll(() => server.stop())

    test('hears of a refused key in the shape that it knows', async () => {
      for (const credentials of [{ apiKey: 'sk-proj-wrong' }, { authToken: 'sk-proj-wrong' }]) {
        const wrong = server.clientWith(credentials)
        for (const error of [
          await server.refusal(wrong.messages.create({ model: 'm', max_tokens: 5, messages: hello })),
          await server.refusal(wrong.messages.countTokens({ model: 'm', messages: hello })),
          await server.refusal(wrong.messages.stream({ model: 'm', max_tokens: 5, messages: hello }).finalMessage()),
        ]) {
          expect(error).toBeInstanceOf(AuthenticationError)
          expect(error).toMatchObject({ status: 401, type: 'authentication_error', errorCode: 'invalid_api_key' })
          expect(error.requestID).toMatch(/^req_/)
          expect(error.error).toEqual({
            type: 'error',
            error: {
              type: 'authentication_error',
              message: expect.stringContaining('Incorrect API key'),
              details: { error_code: 'invalid_api_key' },
            },
            request_id: error.requestID,
          })
          expect(error.headers!.get('www-authenticate')).toBe('Bearer')
        }
      }
    })

    test('is bounded by max_tokens under a spend limit, and refused above it', async () => {
      server.answerWith(() => Response.json(message([text('Hello.')])))
      await server.projects.spendLimit.update(server.project_id, {
        threshold_amount: 100_000,
        currency: 'USD',
        interval: 'month',
      })
      const ask = (max_tokens: number) =>
        server.anthropic.messages.create({ model: 'priced-a', max_tokens, messages: hello })
      await ask(40)
      expect(server.received.at(-1)!.body.max_tokens).toBe(40)
      await ask(1000)
      expect(server.received.at(-1)!.body.max_tokens).toBe(100)
      await server.finish('POST', '/messages', { model: 'priced-a', messages: hello })
      expect(server.received.at(-1)!.body.max_tokens).toBe(100)
      const tools = { model: 'priced-a', max_tokens: 40, messages: hello, tools: [weather] }
      expect((await server.anthropic.messages.create(tools)).content).toHaveLength(1)
      // What an image has cannot be seen, and no context_tokens says it.
      const image = { type: 'image' as const, source: { type: 'url' as const, url: 'https://a.test/b.png' } }
      const seen = server.anthropic.messages.create({ ...tools, messages: [{ role: 'user', content: [image] }] })
      expect(await server.refusal(seen)).toMatchObject({ status: 400, errorCode: 'model_without_bound' })
      // Models inside are not looked at.
      const batch = await server.finish('POST', '/messages/batches', { requests: [] })
      expect([batch.status, (JSON.parse(batch.text) as { type: string }).type]).toEqual([400, 'error'])
      await server.projects.spendLimit.update(server.project_id, {
        threshold_amount: 1,
        currency: 'USD',
        interval: 'month',
      })
      // A dollar is a thousand tokens of a prompt, and this may be longer.
      const spent = server.anthropic.messages.create({
        model: 'priced-a',
        max_tokens: 100,
        messages: [{ role: 'user', content: 'x'.repeat(1000) }],
      })
      const error = await server.refusal(spent)
      expect(error).toBeInstanceOf(RateLimitError)
      expect(error).toMatchObject({ type: 'billing_error', errorCode: 'project_spend_limit_exceeded' })
      expect(error.headers!.get('x-should-retry')).toBe('false')
      await server.projects.spendLimit.delete(server.project_id)
    })

    test('may use the models that its project may', async () => {
      await server.projects.modelPermissions.update(server.project_id, { mode: 'allow_list', model_ids: ['allowed'] })
      const error = await server.refusal(
        server.anthropic.messages.create({ model: 'other', max_tokens: 5, messages: hello }),
      )
      expect(error).toBeInstanceOf(PermissionDeniedError)
      expect(error).toMatchObject({ type: 'permission_error', errorCode: 'model_not_found' })
      const counting = await server.refusal(server.anthropic.messages.countTokens({ model: 'other', messages: hello }))
      expect(counting).toMatchObject({ type: 'permission_error' })
      await server.projects.modelPermissions.delete(server.project_id)
    })

    test('hears of a stream that breaks in an event of its own, and of an upstream that fails', async () => {
      server.answerWith(() => streamOf(words, 'breaks'))
      const stream = server.anthropic.messages.stream({ model: 'broken', max_tokens: 50, messages: hello })
      const error = (await stream.finalMessage().catch((thrown: unknown) => thrown)) as APIError
      expect(error).toBeInstanceOf(APIError)
      expect(error).toMatchObject({ type: 'api_error', errorCode: 'bad_upstream' })
      expect((error.error as { request_id: string }).request_id).toBe(stream.request_id!)
      server.answerWith(() => Response.json({ error: {} }, { status: 401 }))
      const ask = () => server.anthropic.messages.create({ model: 'm', max_tokens: 5, messages: hello })
      expect(await ask().catch((thrown: unknown) => thrown)).toMatchObject({ status: 502, type: 'api_error' })
      // What the upstream refuses by itself passes.
      const own = { type: 'error', error: { type: 'invalid_request_error', message: 'Too long' } }
      server.answerWith(() => Response.json(own, { status: 400 }))
      expect(await ask().catch((thrown: unknown) => thrown)).toMatchObject({ status: 400, error: own })
    })

    test('gets every refusal in its shape, others in that of OpenAI', async () => {
      const ask = async (path: string, method: string, body: string | undefined, headers: Record<string, string>) => {
        const answer = await server.call(method, path, body, { headers })
        return { status: answer.status, id: answer.headers.get('request-id'), body: (await answer.json()) as any }
      }
      for (const [method, body, headers, status, type] of [
        ['POST', '{', {}, 400, 'invalid_request_error'],
        ['POST', '{"model":"a","model":"b"}', {}, 400, 'invalid_request_error'],
        ['POST', '{}', { 'x-api-key': 'sk-proj-other' }, 400, 'invalid_request_error'],
        ['POST', '{}', { authorization: 'Bearer x' }, 401, 'authentication_error'],
        ['POST', '{}', { 'openai-project': 'proj_other' }, 401, 'authentication_error'],
        ['POST', '{}', { authorization: `Bearer ${server.admin_key}` }, 403, 'permission_error'],
        ['PROPFIND', undefined, {}, 405, 'invalid_request_error'],
        ['POST', 'x'.repeat(33 * 1024 * 1024), {}, 413, 'request_too_large'],
        ['POST', '{}', { 'content-type': 'text/html' }, 415, 'invalid_request_error'],
        ['POST', '{}', { 'content-encoding': 'br' }, 415, 'invalid_request_error'],
        ['GET', undefined, { upgrade: 'websocket' }, 426, 'invalid_request_error'],
      ] as const)
        for (const path of ['/messages', '/messages/', '/messages/count_tokens', '/Messages']) {
          const answered = await ask(path, method, body, headers)
          expect({ path, status: answered.status }).toEqual({ path, status })
          expect(answered.body).toMatchObject({ type: 'error', error: { type }, request_id: answered.id })
          expect(Object.keys(answered.body).toSorted()).toEqual(['error', 'request_id', 'type'])
        }
      for (const path of ['/chat/completions', '/messagesx', '/threads/thread_1/messages']) {
        const { status, id, body } = await ask(path, 'POST', '{', {})
        expect({ path, status, id }).toEqual({ path, status: 400, id: null })
        expect(Object.keys(body)).toEqual(['error'])
      }
    })
  })
