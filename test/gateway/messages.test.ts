/** `/v1/messages` as Anthropic's own SDK calls it: answers, streams, tools and counts of tokens. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { startForAnthropic, type AnthropicServer } from './anthropic-client.ts'
import { engines, START_MILLISECONDS } from '../setup.ts'
import { usage, counted, message, text, begin, block, delta, ending, words, hello, weather } from './messages.ts'
import { eventually, streamOf } from './metered.ts'

for (const engine of engines)
  describe(`Anthropic's SDK (${engine})`, () => {
    let server: AnthropicServer
    beforeAll(async () => void (server = await startForAnthropic(engine)), START_MILLISECONDS)
    afterAll(() => server.stop())

    test('gets a whole answer, which is metered with its cache', async () => {
      server.answerWith(() => Response.json(message([text('Hello.')])))
      const answer = await server.anthropic.messages.create(
        { model: 'whole', max_tokens: 50, messages: hello },
        { headers: { 'anthropic-beta': 'some-beta-2026-01-01' } },
      )
      expect(answer.content).toMatchObject([text('Hello.')])
      expect(answer._request_id).toMatch(/^req_[0-9a-f]{32}$/)
      const { path, headers, body } = server.received.at(-1)!
      expect({ path, body }).toEqual({ path: '/messages', body: { model: 'whole', max_tokens: 50, messages: hello } })
      expect(headers).toMatchObject({
        'anthropic-version': expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
        'anthropic-beta': 'some-beta-2026-01-01',
      })
      expect(JSON.stringify(headers)).not.toContain(server.key)
      expect(await server.counted('completions', 'whole')).toMatchObject(counted)
    })

    test('may show its key as a bearer token too', async () => {
      server.answerWith(() => Response.json(message([text('Hello.')])))
      await server
        .clientWith({ authToken: server.key })
        .messages.create({ model: 'bearer', max_tokens: 5, messages: hello })
      expect(await server.counted('completions', 'bearer')).toMatchObject(counted)
    })

    for (const [name, last, most] of [
      ['that repeats what its prompt has', { ...usage, output_tokens: 7 }, {}],
      ['that says only what its answer has', { output_tokens: 7 }, {}],
      [
        'that says nothing of its cache',
        { input_tokens: 12, output_tokens: 7, cache_read_input_tokens: null },
        { input_tokens: 62, input_uncached_tokens: 12 },
      ],
    ] as const)
      test(`gets a stream ${name}, which is metered`, async () => {
        server.answerWith(() => streamOf([...words, ending(last)]))
        const model = `stream-${name.length}`
        const said: string[] = []
        const stream = server.anthropic.messages.stream({ model, max_tokens: 50, messages: hello })
        stream.on('text', (piece) => said.push(piece))
        const final = await stream.finalMessage()
        expect(said).toEqual(['Hel', 'lo.'])
        expect(final.content).toMatchObject([text('Hello.')])
        expect(stream.request_id).toMatch(/^req_/)
        expect(await server.counted('completions', model)).toMatchObject({ ...counted, ...most })
      })

    test('calls tools, whole and streamed', async () => {
      const use = { type: 'tool_use', id: 'toolu_1', name: 'weather', input: { city: 'Rome' } }
      server.answerWith(() => Response.json(message([use], { stop_reason: 'tool_use' })))
      const ask = { model: 'tools', max_tokens: 50, messages: hello, tools: [weather] }
      expect((await server.anthropic.messages.create(ask)).content).toMatchObject([use])
      expect(server.received.at(-1)!.body).toMatchObject({ tools: [weather] })
      server.answerWith(() =>
        streamOf([
          begin,
          block({ ...use, input: {} }),
          delta({ type: 'input_json_delta', partial_json: '{"city":' }),
          delta({ type: 'input_json_delta', partial_json: '"Rome"}' }),
          ending({ output_tokens: 7 }, 'tool_use'),
        ]),
      )
      expect((await server.anthropic.messages.stream(ask).finalMessage()).content).toMatchObject([use])
      await eventually(async () => (await server.counted('completions', 'tools')).num_model_requests === 2)
      expect(await server.counted('completions', 'tools')).toMatchObject({ input_tokens: 120, output_tokens: 14 })
    })

    test('may use no hosted tool that its project has off, by any of its names', async () => {
      await server.projects.hostedToolPermissions.update(server.project_id, {
        web_search: { enabled: false },
        code_interpreter: { enabled: false },
        mcp: { enabled: false },
      } as never)
      const ask = (more: object) =>
        server.anthropic.messages.create({
          model: 'm',
          max_tokens: 5,
          messages: hello,
          ...more,
        } as never) as Promise<unknown>
      for (const more of [
        { tools: [{ type: 'web_search_20250305', name: 'web_search' }] },
        { tools: [{ type: 'web_fetch_20250910', name: 'web_fetch' }] },
        { tools: [{ type: 'code_execution_20250522', name: 'code_execution' }] },
        { tools: [{ type: 'mcp_toolset', mcp_server_name: 'x' }] },
        { mcp_servers: [{ type: 'url', url: 'https://mcp.test', name: 'x' }] },
      ])
        expect(await server.refusal(ask(more))).toMatchObject({ status: 403, errorCode: 'hosted_tool_not_permitted' })
      server.answerWith(() => Response.json(message([text('Hello.')])))
      await ask({ tools: [weather], mcp_servers: null })
      await server.projects.hostedToolPermissions.update(server.project_id, {
        web_search: { enabled: true },
        code_interpreter: { enabled: true },
        mcp: { enabled: true },
      } as never)
    })

    test('counts tokens, which costs nothing and is under the rate limit on requests', async () => {
      server.answerWith(() => Response.json({ input_tokens: 14 }))
      const count = (model: string) => server.anthropic.messages.countTokens({ model, messages: hello })
      expect(await count('counted-only')).toMatchObject({ input_tokens: 14 })
      expect(server.received.at(-1)!.path).toBe('/messages/count_tokens')
      await count('two-a-day')
      await count('two-a-day')
      expect(await server.refusal(count('two-a-day'))).toMatchObject({ status: 429, type: 'rate_limit_error' })
      await server.projects.spendLimit.update(server.project_id, {
        threshold_amount: 1,
        currency: 'USD',
        interval: 'month',
      })
      expect(await count('priced-count')).toMatchObject({ input_tokens: 14 })
      await server.projects.spendLimit.delete(server.project_id)
      await server.now.writeUsage()
      for (const model of ['counted-only', 'two-a-day', 'priced-count'])
        expect(await server.used('completions', model)).toBeUndefined()
    })
  })
