/**
 * What a client says in a realtime session is transcribed by a model of its own, which is counted
 * and limited by itself.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { engines, START_MILLISECONDS } from '../setup.ts'
import { eventually } from './metered.ts'
import { startGateway, until, type GatewayServer } from './setup.ts'
import { open, startRealtime, type RealtimeUpstream } from './sockets.ts'

setDefaultTimeout(60_000)

const beta = (model: string) => ({ input_audio_transcription: { model } })
const ga = (model: string) => ({ type: 'realtime', audio: { input: { transcription: { model } } } })
const transcribed = (usage?: object) => ({
  type: 'conversation.item.input_audio_transcription.completed',
  item_id: 'item_1',
  transcript: 'Hello.',
  usage,
})
const minute = { type: 'duration', seconds: 59.5 }
const tokens = { type: 'tokens', input_tokens: 10, output_tokens: 20, input_token_details: { audio_tokens: 8 } }

for (const engine of engines)
  describe(`transcription in a realtime session (${engine})`, () => {
    const upstream: RealtimeUpstream = startRealtime()
    let server: GatewayServer
    beforeAll(async () => {
      server = await startGateway(
        engine,
        `
upstreams:
  - { name: one, base_url: "${upstream.url}" }
models:
  - { match: voice, prices: [{ input: 100000, output: 100000 }] }
  - { match: scribe, prices: [{ input: 1000, output: 2000 }] }
  - { match: whisper, prices: [{ minute: 3 }] }
`,
      )
    }, START_MILLISECONDS)
    afterAll(async () => {
      await server.stop()
      await upstream.stop()
    })
    beforeEach(() => void (upstream.received.length = 0))

    const organization = () => server.admin.admin.organization
    async function newProject(name: string) {
      const { id } = await organization().projects.create({ name })
      const account = await organization().projects.serviceAccounts.create(id, { name: 'robot' })
      return { id, key: account.api_key!.value }
    }
    /** The upstream answers each event with the same one: some of them are a server's. */
    async function session(key: string, query: string, events: readonly object[]) {
      const { socket, heard } = await open(`${server.url}/v1/realtime?${query}`, key)
      for (const event of events) socket.send(typeof event === 'string' ? event : JSON.stringify(event))
      await until(() => heard.length === events.length)
      socket.close()
      return heard.map((one) => JSON.parse(String(one)) as { type: string; error?: { code: string } })
    }
    const start_time = () => Math.floor(Date.now() / 86_400_000) * 86_400
    /** By model: how many requests, seconds and dollars. */
    async function counted(project_id: string, most: number) {
      const query = { start_time: start_time(), project_ids: [project_id] }
      let found: { model: string; num_model_requests: number; seconds: number }[] = []
      await eventually(async () => {
        const { data } = await organization().usage.audioTranscriptions({ ...query, group_by: ['model'] })
        found = data.flatMap(({ results }) => results as unknown as typeof found)
        return found.reduce((sum, one) => sum + one.num_model_requests, 0) >= most
      })
      const { data } = await organization().usage.costs({ ...query, group_by: ['line_item'] })
      const items = data.flatMap(({ results }) => results as { line_item?: string; amount?: { value: number } }[])
      const spent = (model: string) =>
        items.reduce((sum, { line_item, amount }) => sum + (line_item?.startsWith(`${model}, `) ? amount!.value : 0), 0)
      return Object.fromEntries(
        found.map(({ model, num_model_requests, seconds }) => [model, [num_model_requests, seconds, spent(model)]]),
      )
    }

    test('is counted and priced under the model that the server names last', async () => {
      const { id, key } = await newProject('Named')
      await session(key, 'model=voice', [
        { type: 'session.created', session: beta('whisper') },
        transcribed(minute),
        { type: 'session.update', session: ga('unconfirmed') },
        transcribed(minute),
        { type: 'session.updated', session: ga('scribe') },
        { type: 'session.updated', session: { type: 'realtime' } },
        transcribed(tokens),
        transcribed(),
      ])
      expect(await counted(id, 3)).toEqual({ whisper: [2, 120, 6], scribe: [1, 0, 0.05] })
    })

    test('is counted in sessions of transcription alone, also without a model in the query', async () => {
      const { id, key } = await newProject('Alone')
      await session(key, 'intent=transcription', [
        { type: 'transcription_session.created', session: beta('whisper') },
        transcribed(minute),
        { type: 'transcription_session.updated', session: beta('scribe') },
        transcribed(tokens),
        { type: 'session.updated', session: { ...ga('whisper'), type: 'transcription' } },
        transcribed(minute),
      ])
      expect(await counted(id, 3)).toEqual({ whisper: [2, 120, 6], scribe: [1, 0, 0.05] })
    })

    test('is counted under the model that the client names where the server names none', async () => {
      const { id, key } = await newProject('Silent')
      const silent = { type: 'session.created', session: { type: 'realtime', audio: { input: {} } } }
      for (const update of [
        { type: 'session.update', session: ga('scribe') },
        JSON.stringify({ type: 'session.update', session: ga('scribe') }).replace('transc', String.raw`\u0074ransc`),
        { type: 'session.update', session: beta('scribe') },
        { type: 'transcription_session.update', session: beta('scribe') },
      ])
        await session(key, 'model=voice', [silent, update as object, transcribed(tokens)])
      expect(await counted(id, 4)).toEqual({ scribe: [4, 0, 0.2] })
    })

    test('is counted as vLLM and Mistral report it', async () => {
      const { id, key } = await newProject('Others')
      const done = (usage: object) => ({ type: 'transcription.done', text: 'Hello.', usage })
      await session(key, 'model=voice', [
        { type: 'session.created', id: 'sess-1', created: 1 },
        { type: 'session.update', model: 'scribe' },
        done({ prompt_tokens: 10, completion_tokens: 20, total_tokens: 30 }),
      ])
      await session(key, 'model=voice', [
        { type: 'session.update', model: 'whisper' },
        done({ prompt_tokens: 0, completion_tokens: 0, prompt_audio_seconds: 59.5 }),
      ])
      expect(await counted(id, 2)).toEqual({ scribe: [1, 0, 0.05], whisper: [1, 60, 3] })
    })

    test("is counted under the session's model where nobody names another", async () => {
      const { id, key } = await newProject('Nameless')
      await session(key, 'model=voice', [transcribed(tokens)])
      expect(await counted(id, 1)).toEqual({ voice: [1, 0, 3] })
    })

    test('by a model that its project may not use, or under a spend limit has a price, is not passed on', async () => {
      const { id, key } = await newProject('Limited')
      const { modelPermissions, spendLimit } = organization().projects
      await modelPermissions.update(id, { mode: 'deny_list', model_ids: ['other'] })
      await spendLimit.update(id, { currency: 'USD', interval: 'month', threshold_amount: 100_000 })
      const updates = (model: string) => [
        { type: 'session.update', session: ga(model) },
        { type: 'session.update', session: { ...ga(model), type: 'transcription' } },
        { type: 'session.update', session: beta(model) },
        { type: 'transcription_session.update', session: beta(model) },
      ]
      const codes = async (model: string) =>
        new Set((await session(key, 'model=free', updates(model))).map(({ type, error }) => error?.code ?? type))
      expect(await codes('other')).toEqual(new Set(['model_not_found']))
      expect(await codes('whisper')).toEqual(new Set(['session_without_bound']))
      expect(upstream.received).toEqual([])
      expect(await codes('free')).toEqual(new Set(['session.update', 'transcription_session.update']))
    })
  })
