/** What an upstream does not report is counted all the same: once, never as nothing, and marked. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { engines, START_MILLISECONDS } from '../setup.ts'
import { delta, eventually, events, startMetered, streamOf, type MeteredServer } from './metered.ts'

/** Of 3 + 1 (role) + 2 (text) + 3 tokens. */
const messages = [{ role: 'user', content: 'Hello there' }]
const PROMPT = 9
const priced = { match: 'gpt-4o-priced', prices: [{ input: 2.5, output: 10 }] }
/** Four tokens in three events. */
const deltas = [delta(''), delta('Hello'), delta(', world'), delta('!')]

for (const engine of engines)
  describe(`what nobody reports (${engine})`, () => {
    let server: MeteredServer
    beforeAll(async () => {
      server = await startMetered(engine, [priced], { drainMilliseconds: 0 })
    }, START_MILLISECONDS)
    afterAll(() => server.stop())

    const estimated = async (model: string) => {
      const rows = await server.database.read
        .selectFrom('usage_minutes as minute')
        .innerJoin('usage_series as series', 'series.id', 'minute.series_id')
        .select('estimated')
        .where('model', '=', model)
        .execute()
      return rows.map(({ estimated }) => estimated)
    }

    test('a whole answer is counted exactly for a model whose tokenizer is known', async () => {
      server.answerWith(() =>
        Response.json({ choices: [{ message: { role: 'assistant', content: 'Hello, world!', tool_calls: null } }] }),
      )
      await server.finish('POST', '/chat/completions', { model: 'gpt-4o', messages })
      expect(await server.counted('completions', 'gpt-4o')).toMatchObject({ input_tokens: PROMPT, output_tokens: 4 })
      expect(await estimated('gpt-4o')).toEqual([1])
    })

    test('reports and costs grouped by `estimated` tell it from what the upstream reported', async () => {
      const { usage } = server.client.admin.organization
      const query = { start_time: Math.floor(server.world.now() / 86_400_000) * 86_400, models: ['gpt-4o-priced'] }
      // The official SDK does not know it.
      const group_by = ['estimated' as 'api_source']
      const ofMetrics = async () => (await server.samples()).keyhall_estimated_requests_total!
      const before = await ofMetrics()
      const choices = [{ message: { role: 'assistant', content: 'Hello, world!' } }]
      const reported = { prompt_tokens: 1000, completion_tokens: 20, total_tokens: 1020 }
      for (const answer of [{ choices, usage: reported }, { choices }, { choices }]) {
        server.answerWith(() => Response.json(answer))
        await server.finish('POST', '/chat/completions', { model: 'gpt-4o-priced', messages })
      }
      await eventually(async () => (await ofMetrics()) === before + 2)
      await server.now.writeUsage()
      const counts = { input_tokens: 1000, output_tokens: 20, num_model_requests: 1, model: null }
      const apart = await usage.completions({ ...query, group_by })
      expect(apart.data.at(-1)!.results).toMatchObject([
        { ...counts, estimated: false },
        { ...counts, input_tokens: 2 * PROMPT, output_tokens: 8, num_model_requests: 2, estimated: true },
      ])
      const [together, ...more] = (await usage.completions(query)).data.at(-1)!.results
      expect(together).toMatchObject({ input_tokens: 1000 + 2 * PROMPT, output_tokens: 28, num_model_requests: 3 })
      expect([Object.keys(together!).includes('estimated'), more]).toEqual([false, []])
      const costs = await usage.costs({ start_time: query.start_time, group_by })
      expect(costs.data.at(-1)!.results).toMatchObject([
        { estimated: false, amount: { value: 0.0027 }, line_item: null },
        { estimated: true, amount: { value: 0.000125 } },
      ])
      const [all] = (await usage.costs({ start_time: query.start_time })).data.at(-1)!.results
      expect(all).toMatchObject({ amount: { value: 0.002825 } })
      expect(Object.keys(all!)).not.toContain('estimated')
    })

    test('and half as high again for any other', async () => {
      server.answerWith(() => streamOf([events(...deltas)]))
      await server.finish('POST', '/chat/completions', { model: 'llama', messages, stream: true })
      expect(await server.counted('completions', 'llama')).toMatchObject({ input_tokens: 14, output_tokens: 6 })
    })

    test('a stream that breaks off is counted as far as it came', async () => {
      server.answerWith(() => streamOf([events(...deltas)], 'breaks'))
      await server.finish('POST', '/chat/completions', { model: 'gpt-4o-mini', messages, stream: true })
      expect(await server.counted('completions', 'gpt-4o-mini')).toMatchObject({
        input_tokens: PROMPT,
        output_tokens: 4,
      })
      const response = { type: 'response.output_text.delta', delta: 'Hello, world!' }
      server.answerWith(() =>
        streamOf([events(response, { type: 'response.output_text.done', text: 'Hello, world!' })], 'breaks'),
      )
      await server.finish('POST', '/responses', { model: 'gpt-4.1', input: 'Hello there', stream: true })
      expect(await server.counted('completions', 'gpt-4.1')).toMatchObject({ input_tokens: PROMPT, output_tokens: 4 })
    })

    test('a stream whose client leaves is counted as far as it came, and the upstream is stopped', async () => {
      server.answerWith(() => streamOf([events(...deltas)], 'hangs'))
      const answer = await server.call('POST', '/chat/completions', { model: 'gpt-5', messages, stream: true })
      const reader = answer.body!.getReader()
      await reader.read()
      await reader.cancel()
      expect(await server.counted('completions', 'gpt-5')).toMatchObject({
        input_tokens: PROMPT,
        output_tokens: 4,
        num_model_requests: 1,
      })
      expect(server.received.at(-1)!.signal!.aborted).toBe(true)
    })

    test('a client that leaves before an answer that is no stream pays the maximum that it named', async () => {
      const controller = new AbortController()
      server.answerWith(() => new Promise<Response>(() => {}))
      const before = server.received.length
      const call = server.call(
        'POST',
        '/chat/completions',
        { model: 'gpt-4.1-mini', messages, max_tokens: 77 },
        { signal: controller.signal },
      )
      await eventually(async () => server.received.length > before)
      server.answerWith(() => Promise.reject(new Error('aborted')))
      controller.abort()
      await call.catch(() => {})
      expect(await server.counted('completions', 'gpt-4.1-mini')).toMatchObject({
        input_tokens: PROMPT,
        output_tokens: 77,
      })
    })

    test('so does one whose upstream breaks off in an answer that is no stream', async () => {
      server.answerWith(() => {
        const { body } = streamOf(['{"choices":[{"message":{"content":"Hello, wor'], 'breaks')
        return new Response(body, { headers: { 'content-type': 'application/json', 'content-length': '5000' } })
      })
      const broken = { model: 'gpt-4.1-nano', messages, max_tokens: 77 }
      expect((await server.finish('POST', '/chat/completions', broken)).status).toBe(502)
      expect(await server.counted('completions', 'gpt-4.1-nano')).toMatchObject({
        input_tokens: PROMPT,
        output_tokens: 77,
      })
    })

    test('so does one whose upstream breaks off before it answers', async () => {
      server.answerWith(() => {
        throw new Error('reset')
      })
      const model = 'gpt-4o-reset'
      expect((await server.finish('POST', '/chat/completions', { model, messages, max_tokens: 30 })).status).toBe(502)
      expect(await server.counted('completions', model)).toMatchObject({ input_tokens: PROMPT, output_tokens: 30 })
    })

    test('so does one that the next upstream refuses, because the first may have worked', async () => {
      const two = await startMetered(engine, [], { upstreams: ['one', 'two'] })
      try {
        two.answerWith(() => {
          if (two.received.length > 1) return Response.json({ error: { message: 'no' } }, { status: 400 })
          throw new Error('reset')
        })
        const body = { model: 'gpt-4o', messages, max_tokens: 30 }
        const init = { headers: { 'idempotency-key': 'once' } }
        expect((await two.finish('POST', '/chat/completions', body, init)).status).toBe(400)
        expect(two.received.length).toBe(2)
        expect(await two.counted('completions', 'gpt-4o')).toMatchObject({ input_tokens: PROMPT, output_tokens: 30 })
      } finally {
        await two.stop()
      }
    })

    test.each([504, 524])(
      'so does one that a proxy ends with %p, because the server behind it has it',
      async (status) => {
        const model = `times-out-${status}`
        server.answerWith(() => new Response('late', { status }))
        const body = { model, messages, max_tokens: 30 }
        expect((await server.finish('POST', '/chat/completions', body)).status).toBe(status)
        expect(await server.counted('completions', model)).toMatchObject({ output_tokens: 30 })
        expect(await estimated(model)).toEqual([1])
      },
    )

    test('prompts without an answer count alone', async () => {
      server.answerWith(() => Response.json({ results: [{ flagged: false }] }))
      await server.finish('POST', '/moderations', {
        model: 'gpt-4o-m',
        input: ['Hello there', { type: 'text', text: 'Hello' }],
      })
      expect(await server.counted('moderations', 'gpt-4o-m')).toMatchObject({ input_tokens: 3 })
      await server.finish('POST', '/embeddings', { model: 'text-embedding-3-small', input: [[1, 2, 3], [4]] })
      expect(await server.counted('embeddings', 'text-embedding-3-small')).toMatchObject({ input_tokens: 4 })
    })

    test('of a very long answer the beginning is counted, and the rest is taken to be alike', async () => {
      const words = Array.from({ length: 300 }, () => delta(' word'.repeat(100)))
      server.answerWith(() => streamOf([events(...words)]))
      await server.finish('POST', '/chat/completions', { model: 'gpt-4', messages, stream: true })
      const { output_tokens } = await server.counted('completions', 'gpt-4')
      expect(output_tokens).toBeWithin(30_000, 30_010)
    })

    test('audio counts by its bytes, and images as they were asked for', async () => {
      server.answerWith(() => new Response('some text', { headers: { 'content-type': 'text/plain' } }))
      const form = new FormData()
      form.set('model', 'whisper')
      form.set('file', new Blob(['x'.repeat(80_000)]))
      await server.finish('POST', '/audio/transcriptions', form)
      expect((await server.counted('audio_transcriptions', 'whisper')).seconds).toBeWithin(20, 22)
      await server.finish('POST', '/images/generations', { model: 'painter', prompt: 'x', n: 3 })
      expect(await server.counted('images', 'painter')).toMatchObject({ images: 3 })
    })
  })

describe('a stream that is read on when its client has left', () => {
  const usage = { choices: [], usage: { prompt_tokens: 5, completion_tokens: 60, total_tokens: 65 } }

  async function leave(drainMilliseconds: number, pieces: (string | Promise<string>)[], end: 'closes' | 'hangs') {
    const server = await startMetered('sqlite', [], { drainMilliseconds })
    const left = Promise.withResolvers<void>()
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const piece = pieces.shift()
        if (piece !== undefined) controller.enqueue(Buffer.from(await piece))
        else if (end === 'closes') controller.close()
        else await new Promise(() => {})
      },
      cancel: () => left.resolve(),
    })
    server.answerWith(() => new Response(body, { headers: { 'content-type': 'text/event-stream' } }))
    const answer = await server.call('POST', '/chat/completions', { model: 'gpt-4o', messages, stream: true })
    const reader = answer.body!.getReader()
    await reader.read()
    await reader.cancel()
    return server
  }

  test('is counted as the upstream says', async () => {
    const later = Promise.withResolvers<string>()
    const server = await leave(60_000, [events(...deltas), later.promise], 'closes')
    await Bun.sleep(50)
    later.resolve(events(delta(' more'), usage))
    expect(await server.counted('completions', 'gpt-4o')).toMatchObject({ input_tokens: 5, output_tokens: 60 })
    await server.stop()
  })

  test('is estimated when its time is over, or the server stops', async () => {
    const server = await leave(300, [events(...deltas)], 'hangs')
    expect(await server.counted('completions', 'gpt-4o')).toMatchObject({ input_tokens: PROMPT, output_tokens: 4 })
    await server.stop()
    const other = await leave(60_000, [events(...deltas)], 'hangs')
    const { database } = other
    const counts = () => database.read.selectFrom('usage_days').selectAll().execute()
    const close = database.close.bind(database)
    let seen: Awaited<ReturnType<typeof counts>> = []
    database.close = async () => {
      seen = await counts()
      await close()
    }
    await other.stop()
    expect(seen).toMatchObject([{ requests: 1, output: 3 }])
  })
})
