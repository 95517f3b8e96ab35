import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import {
  AuthenticationError,
  InternalServerError,
  NotFoundError,
  PermissionDeniedError,
  RateLimitError,
  toFile,
} from 'openai'
import { engines } from '../setup.ts'
import { startGateway, until, type GatewayServer } from './setup.ts'
import { SECRET, startUpstream, type FakeUpstream } from './upstream.ts'

const messages = [{ role: 'user' as const, content: 'Hello?' }]

for (const engine of engines)
  describe(`the official SDK through the gateway (${engine})`, () => {
    let upstream: FakeUpstream
    let server: GatewayServer
    beforeAll(async () => {
      upstream = startUpstream()
      upstream.models.push('stalls', 'refuses', 'overloaded', 'endless', 'silent')
      server = await startGateway(engine, null, { KEYHALL_UPSTREAM: upstream.url, KEYHALL_UPSTREAM_API_KEY: SECRET })
    })
    afterAll(async () => {
      await server.stop()
      await upstream.stop()
    })

    test('answers a chat completion, and says who asked and how long it took', async () => {
      const { data, response, request_id } = await server
        .client()
        .chat.completions.create({ model: 'tiny', messages })
        .withResponse()
      expect(data.choices[0]!.message.content).toBe('Hello.')
      expect(request_id).toMatch(/^req_[0-9a-f]{32}$/)
      expect(response.headers.get('openai-organization')).toBe(server.organization_id)
      expect(response.headers.get('openai-project')).toBe(server.project_id)
      expect(response.headers.get('openai-processing-ms')).toMatch(/^\d+$/)
      await until(() => server.log().some((line) => line.request_id === request_id))
      expect(server.log().find((line) => line.request_id === request_id)).toMatchObject({
        method: 'POST',
        path: '/v1/chat/completions',
        operation: 'chat',
        status: 200,
        organization_id: server.organization_id,
        project_id: server.project_id,
        key_id: server.key_id,
        model: 'tiny',
        upstream: 'upstream',
        upstream_milliseconds: expect.any(Number),
        milliseconds: expect.any(Number),
        ended: 'whole',
      })
    })

    test('shows the upstream its own key and not the caller’s', async () => {
      await server.client().chat.completions.create({ model: 'tiny', messages })
      expect(upstream.sent.at(-1)!.headers.authorization).toBe(`Bearer ${SECRET}`)
      expect(JSON.stringify(upstream.sent)).not.toContain(server.key)
    })

    test('streams a completion', async () => {
      let said = ''
      for await (const chunk of await server
        .client()
        .chat.completions.create({ model: 'words', messages, stream: true }))
        said += chunk.choices[0]!.delta.content
      expect(said).toBe('Hello.')
    })

    test('answers embeddings', async () => {
      const { data } = await server.client().embeddings.create({ model: 'tiny', input: 'x', encoding_format: 'float' })
      expect(data[0]!.embedding).toEqual([0.5, 0.25])
    })

    test('uploads audio, whichever of file and model comes first', async () => {
      const bytes = new Uint8Array(3 * 1024 * 1024).fill(65)
      const audio = server.client().audio.transcriptions
      const one = await audio.create({ file: await toFile(bytes, 'speech.wav'), model: 'tiny' })
      const other = await audio.create({ model: 'tiny', file: await toFile(bytes, 'speech.wav') })
      expect(one.text).toMatch(/^3\d{6} bytes for tiny$/)
      expect(other.text).toBe(one.text)
    })

    test('lists models and finds one', async () => {
      const client = server.client()
      const listed: string[] = []
      for await (const model of client.models.list()) listed.push(model.id)
      expect(listed).toEqual(upstream.models)
      expect(await client.models.retrieve('tiny')).toEqual({ id: 'tiny', object: 'model', created: 7, owned_by: 'one' })
      expect(await client.models.retrieve('none').catch((error) => error)).toBeInstanceOf(NotFoundError)
    })

    test('knows a model that the upstream has loaded since', async () => {
      await server.client().models.list()
      upstream.models.push('vendor/fresh')
      const client = server.client()
      for (;;) {
        const answer = await client.chat.completions.create({ model: 'vendor/fresh', messages })
        expect(answer.model).toBe('vendor/fresh of one')
        const listed = await client.models.retrieve('vendor/fresh').catch((error: unknown) => error)
        if (!(listed instanceof NotFoundError)) {
          expect(listed).toMatchObject({ id: 'vendor/fresh' })
          break
        }
        await Bun.sleep(100)
      }
    })

    test('refuses an unknown model in OpenAI’s words', async () => {
      const error = await server
        .client()
        .models.retrieve('gpt-none')
        .catch((e) => e)
      expect(error).toBeInstanceOf(NotFoundError)
      expect(error).toMatchObject({ code: 'model_not_found', param: 'model', type: 'invalid_request_error' })
    })

    test('aborts the upstream when the client aborts, before the answer and in the middle of it', async () => {
      const stream = await server.client().chat.completions.create({ model: 'stalls', messages, stream: true })
      for await (const _ of stream) break
      await upstream.sent.at(-1)!.aborted
      const controller = new AbortController()
      const before = upstream.sent.length
      const asked = server
        .client()
        .chat.completions.create({ model: 'silent', messages }, { signal: controller.signal })
        .catch((error) => error)
      await until(() => upstream.sent.length > before)
      controller.abort()
      await asked
      await upstream.sent.at(-1)!.aborted
      await until(() => server.log().filter(({ ended }) => ended === 'client left').length >= 2)
    })

    test('raises AuthenticationError for a wrong key, and for one that was deleted', async () => {
      const { client, admin, project_id } = server
      const wrong = await client('sk-proj-nothing')
        .models.list()
        .catch((error) => error)
      expect(wrong).toBeInstanceOf(AuthenticationError)
      expect(wrong.code).toBe('invalid_api_key')
      const { projects } = admin.admin.organization
      const account = await projects.serviceAccounts.create(project_id, { name: 'leaves' })
      const key = account.api_key!.value
      expect((await client(key).chat.completions.create({ model: 'tiny', messages })).object).toBe('chat.completion')
      await projects.serviceAccounts.delete(account.id, { project_id })
      const gone = await client(key)
        .chat.completions.create({ model: 'tiny', messages })
        .catch((error) => error)
      expect(gone).toBeInstanceOf(AuthenticationError)
    })

    test('passes the upstream’s limits on, and not its refusals of our own key', async () => {
      const limited = await server
        .client()
        .chat.completions.create({ model: 'overloaded', messages })
        .catch((e) => e)
      expect(limited).toBeInstanceOf(RateLimitError)
      expect(limited.headers.get('retry-after')).toBe('7')
      const refused = await server
        .client()
        .chat.completions.create({ model: 'refuses', messages })
        .catch((e) => e)
      expect(refused).toBeInstanceOf(InternalServerError)
      expect(refused).toMatchObject({ status: 502, code: 'bad_upstream', type: 'server_error' })
      expect(refused).not.toBeInstanceOf(PermissionDeniedError)
      await until(() => server.log().some(({ cause }) => String(cause).includes('answered 401')))
      expect(JSON.stringify(server.log()) + JSON.stringify(refused)).not.toContain(SECRET)
    })
  })
