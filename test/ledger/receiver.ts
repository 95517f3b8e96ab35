/**
 * A receiver of webhooks in the test's own process, which checks signatures with the official SDK.
 */
import OpenAI from 'openai'
import { Secret } from '../../world/secret.ts'

export const SECRET = `whsec_${Buffer.alloc(32, 9).toString('base64')}`

export interface ReceivedWebhook {
  id: string
  path: string
  body: { type: string; timestamp: string; data: Record<string, unknown> }
}

export interface Receiver {
  url: string
  webhook: { url: string; secret: Secret<Uint8Array> }
  /** Those that were signed; one that is not fails the test at its end. */
  received: ReceivedWebhook[]
  unsigned: string[]
  /** What it answers to the next ones, in their order; then 204. */
  answers: (Response | Promise<Response>)[]
  stop: () => Promise<void>
}

/** `tolerance` are seconds that the clock of the sender may be off. */
export function startReceiver(tolerance = 300): Receiver {
  const { webhooks } = new OpenAI({ apiKey: 'none' })
  const [received, unsigned, answers]: [ReceivedWebhook[], string[], Receiver['answers']] = [[], [], []]
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request) {
      const text = await request.text()
      try {
        await webhooks.verifySignature(text, request.headers, SECRET, tolerance)
      } catch (error) {
        unsigned.push(String(error))
        return new Response(null, { status: 401 })
      }
      const body = JSON.parse(text) as ReceivedWebhook['body']
      received.push({ id: request.headers.get('webhook-id')!, path: new URL(request.url).pathname, body })
      return answers.shift() ?? new Response(null, { status: 204 })
    },
  })
  const url = `${server.url}alerts`
  return {
    url,
    webhook: { url, secret: new Secret(Buffer.from(SECRET.slice('whsec_'.length), 'base64')) },
    received,
    unsigned,
    answers,
    stop: () => server.stop(true),
  }
}
