/** Clients from npm, unmodified, as their documentation uses them. */
import { createOpenAI } from '@ai-sdk/openai'
import { HumanMessage } from '@langchain/core/messages'
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai'
import { embedMany, generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai'
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { AzureOpenAI, toFile } from 'openai'
import { START_MILLISECONDS } from '../setup.ts'
import { startForClients, type ClientsServer } from './clients.ts'
import { BATCH_INPUT, SPEECH } from './model-server.ts'

const messages = [{ role: 'user' as const, content: 'Hello?' }]
const once = { requests: 1, input: 11, output: 7 }
const weather = {
  type: 'function' as const,
  function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
}

describe('clients from npm', () => {
  let server: ClientsServer
  beforeAll(async () => void (server = await startForClients()), START_MILLISECONDS)
  afterAll(() => server.stop())

  test('the official SDK: chat, tools, streams, responses', async () => {
    const client = server.client()
    const whole = await client.chat.completions.create({ model: 'tiny', messages, tools: [weather] })
    expect(whole.choices[0]!.message.tool_calls).toMatchObject([{ function: { name: 'weather' } }])
    const streamed = await client.chat.completions.stream({ model: 'tiny', messages }).finalChatCompletion()
    expect(streamed.choices[0]!.message.content).toBe('Hello there.')
    // The client did not ask for the usage, which Keyhall has read all the same.
    expect(streamed.usage).toBeUndefined()
    const response = await client.responses.create({ model: 'tiny', input: 'Hello?' })
    expect(response.output_text).toBe('Hello there.')
    const types: string[] = []
    for await (const event of await client.responses.create({ model: 'tiny', input: 'Hello?', stream: true }))
      types.push(event.type)
    expect(types.at(-1)).toBe('response.completed')
    await server.used('completions', { requests: 4, input: 44, output: 28 })
  })

  test('the official SDK: embeddings, files, images, audio both ways, batches', async () => {
    const client = server.client()
    const { data } = await client.embeddings.create({ model: 'tiny', input: ['one', 'two'] })
    expect(data.map(({ embedding }) => embedding)).toEqual([
      [0.5, 0.25],
      [0.5, 0.25],
    ])
    await server.used('embeddings', { requests: 1, input: 11 })
    const file = await client.files.create({ file: await toFile(Buffer.from('{}\n'), 'a.jsonl'), purpose: 'batch' })
    expect(file.bytes).toBe(3)
    expect(await (await client.files.content(file.id)).text()).toBe(BATCH_INPUT)
    const png = await toFile(Buffer.from('png'), 'a.png', { type: 'image/png' })
    expect((await client.images.edit({ model: 'tiny', image: png, prompt: 'blue' })).data![0]!.b64_json).toBe('AAAA')
    expect((await client.images.generate({ model: 'tiny', prompt: 'blue' })).data).toHaveLength(1)
    const wav = await toFile(Buffer.alloc(100_000), 'a.wav')
    expect((await client.audio.transcriptions.create({ model: 'tiny', file: wav })).text).toBe('100000 bytes')
    const speech = await client.audio.speech.create({ model: 'tiny', voice: 'alloy', input: 'Hello' })
    expect(await speech.text()).toBe(SPEECH)
    const begun = { input_file_id: file.id, endpoint: '/v1/chat/completions', completion_window: '24h' } as const
    expect((await client.batches.create(begun)).status).toBe('validating')
    expect((await client.batches.retrieve('batch_1')).status).toBe('in_progress')
    expect((await client.files.delete(file.id)).deleted).toBe(true)
  })

  test('Azure’s client class, whose paths name the deployment', async () => {
    const { baseURL, key: apiKey } = server
    const client = new AzureOpenAI({ baseURL, apiKey, apiVersion: '2025-04-01-preview', maxRetries: 0 })
    server.asked()
    const whole = await client.chat.completions.create({ model: 'tiny', messages })
    expect(whole.choices[0]!.message.content).toBe('Hello there.')
    let said = ''
    for await (const { choices } of await client.chat.completions.create({ model: 'tiny', messages, stream: true }))
      said += choices[0]?.delta.content ?? ''
    expect(said).toBe('Hello there.')
    const wav = await toFile(Buffer.alloc(1000), 'a.wav')
    expect((await client.audio.transcriptions.create({ model: 'tiny', file: wav })).text).toBe('1000 bytes')
    expect(server.asked()).toEqual([
      'POST /v1/chat/completions',
      'POST /v1/chat/completions',
      'POST /v1/audio/transcriptions',
    ])
    await server.used('completions', { requests: 2, input: 22, output: 14 })
  })

  test('Vercel’s AI SDK: text, streams, tools in two steps, embeddings', async () => {
    const { baseURL, key: apiKey } = server
    const provider = createOpenAI({ baseURL, apiKey })
    const limits = { maxRetries: 0 }
    // Its default is the Responses API.
    expect((await generateText({ ...limits, model: provider('tiny'), prompt: 'Hello?' })).text).toBe('Hello there.')
    const streamed = streamText({ ...limits, model: provider('tiny'), prompt: 'Hello?' })
    expect(await streamed.text).toBe('Hello there.')
    expect(await streamed.usage).toMatchObject({ inputTokens: 11, outputTokens: 7 })
    await server.used('completions', { requests: 2, input: 22, output: 14 })
    const asked: unknown[] = []
    const used = await generateText({
      ...limits,
      model: provider.chat('tiny'),
      prompt: 'Is it sunny in Rome?',
      stopWhen: stepCountIs(3),
      tools: {
        weather: tool({
          inputSchema: jsonSchema({ type: 'object', properties: { city: { type: 'string' } } }),
          execute: (input: unknown) => void asked.push(input),
        }),
      },
    })
    expect([asked, used.text]).toEqual([[{ city: 'Rome' }], 'Hello there.'])
    const { embeddings } = await embedMany({ ...limits, model: provider.embedding('tiny'), values: ['one', 'two'] })
    expect(embeddings).toHaveLength(2)
    await server.used('completions', { requests: 2, input: 22, output: 14 })
    await server.used('embeddings', { requests: 1, input: 11 })
  })

  test('LangChain: messages, streams, tools, embeddings', async () => {
    const { baseURL, key: apiKey } = server
    const options = { model: 'tiny', apiKey, configuration: { baseURL }, maxRetries: 0 }
    const model = new ChatOpenAI(options)
    expect((await model.invoke([new HumanMessage('Hello?')])).text).toBe('Hello there.')
    await server.used('completions', once)
    let said = ''
    for await (const chunk of await model.stream('Hello?')) said += chunk.text
    expect(said).toBe('Hello there.')
    await server.used('completions', once)
    const { tool_calls } = await model.bindTools([weather]).invoke('Is it sunny?')
    expect(tool_calls).toMatchObject([{ name: 'weather', args: { city: 'Rome' } }])
    await server.used('completions', once)
    expect(await new OpenAIEmbeddings(options).embedDocuments(['one', 'two'])).toEqual([
      [0.5, 0.25],
      [0.5, 0.25],
    ])
    await server.used('embeddings', { requests: 1, input: 11 })
  })
})
