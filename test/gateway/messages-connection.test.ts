/**
 * Anthropic's own SDK over a connection: streams to their end, left in the middle, and ended by us.
 */
import Anthropic from '@anthropic-ai/sdk'
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { engines, START_MILLISECONDS } from '../setup.ts'
import { text, ending, words, hello } from './messages.ts'
import { startGateway, until, type GatewayServer } from './setup.ts'

for (const engine of engines)
  describe(`Anthropic's SDK over a connection (${engine})`, () => {
    let server: GatewayServer
    let isLeft = false
    const upstream = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      idleTimeout: 0,
      async fetch(request) {
        if (request.url.endsWith('/models')) return Response.json({ data: [] })
        const { model } = (await request.json()) as { model: string }
        request.signal.addEventListener('abort', () => (isLeft = true))
        const body = new ReadableStream({
          start(controller) {
            for (const piece of words) controller.enqueue(new TextEncoder().encode(piece))
            if (model === 'hangs') return
            controller.enqueue(new TextEncoder().encode(ending({ output_tokens: 7 })))
            controller.close()
          },
        })
        return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
      },
    })
    beforeAll(async () => {
      server = await startGateway(engine, `upstreams: [{ name: one, base_url: "${upstream.url}v1", models: ["*"] }]`)
    }, START_MILLISECONDS)
    afterAll(async () => {
      await server.stop()
      await upstream.stop(true)
    })

    const clientOf = () => new Anthropic({ apiKey: server.key, authToken: null, baseURL: server.url, maxRetries: 0 })
    const used = async (model: string) => {
      for (;;) {
        const { data } = await server.admin.admin.organization.usage.completions({
          start_time: Math.floor(Date.now() / 86_400_000) * 86_400,
          group_by: ['model'],
        })
        const found = data.flatMap(({ results }) => results as { model?: string }[]).find((one) => one.model === model)
        if (found) return found as Record<string, unknown>
        await Bun.sleep(50)
      }
    }

    test('streams a message', async () => {
      const stream = clientOf().messages.stream({ model: 'quick', max_tokens: 50, messages: hello })
      expect((await stream.finalMessage()).content).toMatchObject([text('Hello.')])
      expect(await used('quick')).toMatchObject({ input_tokens: 60, output_tokens: 7 })
    })

    test('that leaves in the middle ends the upstream, and pays for what came', async () => {
      const stream = clientOf().messages.stream({ model: 'hangs', max_tokens: 50, messages: hello })
      let said = ''
      stream.on('text', (piece) => {
        said += piece
        if (said === 'Hello.') stream.abort()
      })
      await stream.done().catch(() => {})
      await until(() => isLeft)
      const { output_tokens, ...rest } = await used('hangs')
      expect(rest).toMatchObject({ input_tokens: 60, input_cached_tokens: 30, num_model_requests: 1 })
      // Two events with text, and not the one token that the beginning has.
      expect(output_tokens).toBeGreaterThanOrEqual(2)
      expect(output_tokens).toBeLessThanOrEqual(10)
    })

    test('hears in the stream that its key was deleted', async () => {
      const account = await server.admin.admin.organization.projects.serviceAccounts.create(server.project_id, {
        name: 'short-lived',
      })
      const client = new Anthropic({
        apiKey: account.api_key!.value,
        authToken: null,
        baseURL: server.url,
        maxRetries: 0,
      })
      const stream = client.messages.stream({ model: 'hangs', max_tokens: 50, messages: hello })
      const ended = stream.finalMessage().catch((error: unknown) => error)
      await new Promise((resolve) => stream.once('text', resolve))
      await server.admin.admin.organization.projects.serviceAccounts.delete(account.id, {
        project_id: server.project_id,
      })
      expect(await ended).toMatchObject({ type: 'authentication_error', errorCode: 'invalid_api_key' })
    })
  })
