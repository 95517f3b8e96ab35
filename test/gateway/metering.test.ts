/** Every kind of call: the report has what its upstream said, no more and no less. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { engines, START_MILLISECONDS } from '../setup.ts'
import { events, startMetered, streamOf, type MeteredServer } from './metered.ts'

const chatUsage = {
  prompt_tokens: 100,
  completion_tokens: 40,
  total_tokens: 140,
  prompt_tokens_details: {
    cached_tokens: 30,
    cache_write_tokens: 20,
    audio_tokens: 10,
    image_tokens: 5,
    text_tokens: 55,
  },
  completion_tokens_details: { reasoning_tokens: 12, audio_tokens: 8, accepted_prediction_tokens: 0 },
}
const chatReport = {
  input_tokens: 100,
  output_tokens: 40,
  num_model_requests: 1,
  input_cached_tokens: 30,
  input_cache_write_tokens: 20,
  input_uncached_tokens: 50,
  input_audio_tokens: 10,
  input_image_tokens: 5,
  input_text_tokens: 35,
  output_audio_tokens: 8,
  output_text_tokens: 32,
}
const responseUsage = {
  input_tokens: 70,
  output_tokens: 9,
  total_tokens: 79,
  input_tokens_details: {
    cached_tokens: 7,
    cache_write_tokens: 11,
    cache_write_tokens_details: { ttl_12h_tokens: 4, ttl_30m_tokens: 7 },
  },
  output_tokens_details: { reasoning_tokens: 3 },
}
const responseReport = {
  input_tokens: 70,
  output_tokens: 9,
  num_model_requests: 1,
  input_cached_tokens: 7,
  input_cache_write_tokens: 11,
  input_cache_write_12h_tokens: 4,
  input_cache_write_30m_tokens: 7,
  input_uncached_tokens: 52,
}

const form = (model: string, fields: Record<string, string | Blob> = {}) => {
  const form = new FormData()
  for (const [name, value] of Object.entries({ ...fields, model })) form.set(name, value)
  return form
}
const audio = { file: new Blob(['x'.repeat(10_000)]) }

interface Case {
  name: string
  path: string
  body?: object
  form?: Record<string, string | Blob>
  answer: object | (() => Response)
  report: string
  used: Record<string, number>
}

const cases: Case[] = [
  {
    name: 'chat',
    path: '/chat/completions',
    answer: { choices: [], usage: chatUsage },
    report: 'completions',
    used: chatReport,
  },
  {
    name: 'chat-stream',
    path: '/chat/completions',
    body: { stream: true },
    answer: () => streamOf([events({ choices: [], usage: chatUsage }, 'data: [DONE]\n\n')]),
    report: 'completions',
    used: chatReport,
  },
  {
    name: 'completions',
    path: '/completions',
    answer: { usage: { prompt_tokens: 5, completion_tokens: 6, total_tokens: 11 } },
    report: 'completions',
    used: { input_tokens: 5, output_tokens: 6, num_model_requests: 1 },
  },
  {
    name: 'response',
    path: '/responses',
    answer: { output: [], usage: responseUsage },
    report: 'completions',
    used: responseReport,
  },
  ...['completed', 'incomplete', 'failed'].map((end) => ({
    name: `response-${end}`,
    path: '/responses',
    body: { stream: true },
    answer: () => streamOf([events({ type: `response.${end}`, response: { status: end, usage: responseUsage } })]),
    report: 'completions',
    used: responseReport,
  })),
  {
    name: 'response-of-200-kB',
    path: '/responses',
    body: { stream: true },
    answer: () => {
      const text = events({ type: 'response.completed', response: { text: 'x'.repeat(200_000), usage: responseUsage } })
      return streamOf([text.slice(0, 100_000), text.slice(100_000)])
    },
    report: 'completions',
    used: responseReport,
  },
  {
    name: 'chat-of-200-kB',
    path: '/chat/completions',
    answer: { choices: [{ message: { content: '"usage":{'.repeat(22_000) } }], usage: chatUsage },
    report: 'completions',
    used: chatReport,
  },
  {
    name: 'compact',
    path: '/responses/compact',
    answer: { usage: responseUsage },
    report: 'completions',
    used: responseReport,
  },
  {
    name: 'decision',
    path: '/decisions',
    answer: { answers: [], usage: responseUsage },
    report: 'decisions',
    used: responseReport,
  },
  {
    name: 'embedding',
    path: '/embeddings',
    answer: { data: [], usage: { prompt_tokens: 8, total_tokens: 8 } },
    report: 'embeddings',
    used: { input_tokens: 8, num_model_requests: 1 },
  },
  {
    name: 'moderation',
    path: '/moderations',
    answer: { results: [], usage: { prompt_tokens: 9, total_tokens: 9 } },
    report: 'moderations',
    used: { input_tokens: 9, num_model_requests: 1 },
  },
  {
    name: 'image',
    path: '/images/generations',
    body: { n: 2 },
    answer: { data: [{ b64_json: 'x' }, { b64_json: 'y' }] },
    report: 'images',
    used: { images: 2, num_model_requests: 1 },
  },
  {
    name: 'image-edit',
    path: '/images/edits',
    form: { prompt: 'A long prompt. '.repeat(200), image: new Blob(['x']) },
    answer: { data: [{}], usage: { input_tokens: 50, output_tokens: 60, total_tokens: 110 } },
    report: 'images',
    used: { images: 1, num_model_requests: 1 },
  },
  {
    name: 'image-stream',
    path: '/images/generations',
    body: { stream: true, n: 2 },
    answer: () =>
      streamOf([
        events(
          { type: 'image_generation.partial_image', b64_json: 'x' },
          { type: 'image_generation.completed', b64_json: 'x', usage: { input_tokens: 5, output_tokens: 6 } },
          { type: 'image_generation.completed', b64_json: 'y', usage: { input_tokens: 5, output_tokens: 6 } },
        ),
      ]),
    report: 'images',
    used: { images: 2, num_model_requests: 1 },
  },
  {
    name: 'speech',
    path: '/audio/speech',
    body: { input: 'Grüß dich, 👋' },
    answer: () => new Response(new Uint8Array(1000), { headers: { 'content-type': 'audio/mpeg' } }),
    report: 'audio_speeches',
    used: { characters: 12, num_model_requests: 1 },
  },
  {
    name: 'transcription-by-duration',
    path: '/audio/transcriptions',
    form: audio,
    answer: { text: 'x', usage: { type: 'duration', seconds: 27 } },
    report: 'audio_transcriptions',
    used: { seconds: 27, num_model_requests: 1 },
  },
  {
    name: 'transcription-by-tokens',
    path: '/audio/transcriptions',
    form: audio,
    answer: {
      text: 'x',
      duration: 3.2,
      usage: { type: 'tokens', input_tokens: 14, output_tokens: 45, total_tokens: 59 },
    },
    report: 'audio_transcriptions',
    used: { seconds: 4, num_model_requests: 1 },
  },
  {
    name: 'translation-verbose-of-vLLM',
    path: '/audio/translations',
    form: audio,
    answer: { text: 'x', duration: '8.01', language: 'en' },
    report: 'audio_transcriptions',
    used: { seconds: 9, num_model_requests: 1 },
  },
  {
    name: 'web-search',
    path: '/responses',
    body: { tools: [{ type: 'web_search', search_context_size: 'low' }] },
    answer: {
      output: [{ type: 'web_search_call' }, { type: 'message' }, { type: 'web_search_call' }],
      usage: responseUsage,
    },
    report: 'web_search_calls',
    used: { num_requests: 2, num_model_requests: 1 },
  },
]

for (const engine of engines)
  describe(`metering (${engine})`, () => {
    let server: MeteredServer
    beforeAll(async () => {
      server = await startMetered(engine, [{ match: '*', prices: [{ input: 1, output: 2 }] }])
      for (const { name, path, body, form: fields, answer } of cases) {
        server.answerWith(() => (typeof answer === 'function' ? answer() : Response.json(answer)))
        const sent = fields ? form(name, fields) : { model: name, input: '', ...body }
        await server.finish('POST', path, sent)
      }
    }, START_MILLISECONDS)
    afterAll(() => server.stop())

    for (const { name, report, used } of cases)
      test(`${name}: what the upstream said is in the report`, async () => {
        expect(await server.counted(report, name)).toMatchObject(used)
      })

    test('a search of files is counted for its vector store, and one of the web for its context size', async () => {
      const tools = [{ type: 'file_search', vector_store_ids: ['vs_1'] }, { type: 'web_search_preview' }]
      const output = [{ type: 'file_search_call' }, { type: 'web_search_call' }, { type: 'file_search_call' }]
      server.answerWith(() => Response.json({ output, usage: responseUsage }))
      await server.sdk.responses.create({ model: 'searches', input: 'x', tools: tools as never })
      await server.counted('completions', 'searches')
      const { usage } = server.client.admin.organization
      const start_time = Math.floor(Date.now() / 86_400_000) * 86_400
      const files = await usage.fileSearchCalls({ start_time, group_by: ['vector_store_id'] })
      expect(files.data.at(-1)!.results).toMatchObject([{ num_requests: 2, vector_store_id: 'vs_1' }])
      const web = await server.counted('web_search_calls', 'searches', ['model', 'context_level'])
      expect(web).toMatchObject({ num_requests: 1, context_level: 'medium' })
    })

    test('usage belongs to the service tier of the answer, and to the person and key that asked', async () => {
      server.answerWith(() => Response.json({ service_tier: 'flex', usage: chatUsage }))
      await server.finish('POST', '/chat/completions', { model: 'tiered', messages: [], service_tier: 'auto' })
      const groups = ['model', 'service_tier', 'project_id', 'api_key_id', 'user_id', 'batch']
      expect(await server.counted('completions', 'tiered', groups)).toMatchObject({
        service_tier: 'flex',
        project_id: server.project_id,
        api_key_id: expect.stringContaining('key_'),
        user_id: expect.any(String),
        batch: false,
      })
    })

    test('a refusal of the upstream is not counted, and no request that reached none', async () => {
      server.answerWith(() => Response.json({ error: { message: 'no' } }, { status: 400 }))
      await server.finish('POST', '/chat/completions', { model: 'refused', messages: [] })
      for (const status of [401, 307, 500]) {
        server.answerWith(() => new Response(null, { status }))
        await server.finish('POST', '/chat/completions', { model: 'refused', messages: [] })
      }
      server.answerWith(() => Promise.reject(Object.assign(new Error('down'), { code: 'ECONNREFUSED' })))
      await server.finish('POST', '/chat/completions', { model: 'refused', messages: [] })
      // It waits for the tokenizer behind all that were wrongly counted.
      server.answerWith(() => Response.json({}))
      await server.finish('POST', '/chat/completions', { model: 'after', messages: [] })
      await server.counted('completions', 'after')
      expect(await server.used('completions', 'refused')).toBeUndefined()
    })
  })
