/** A model server that knows what every request really cost, by the name that the client gave. */

/** A token of an answer costs a hundredth of a thousandth of a dollar. */
export const NANO_PER_TOKEN = 10_000

export interface CountingUpstream {
  url: string
  /** Nano-dollars of the answers that it gave whole, by `user`. */
  counted: Map<string, number>
  stop: () => Promise<void>
}

/** `latency`: milliseconds that an answer takes. Streams go on until their client leaves. */
export function startCountingUpstream(latency: () => number): CountingUpstream {
  const counted = new Map<string, number>()
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    idleTimeout: 0,
    async fetch(request) {
      if (request.method === 'GET') return Response.json({ object: 'list', data: [{ id: 'm' }] })
      const { max_tokens, stream, user } = (await request.json()) as Wanted
      if (stream) return endless()
      await Bun.sleep(latency())
      const completion_tokens = Math.ceil(max_tokens * (0.5 + Math.random() / 2))
      counted.set(user, (counted.get(user) ?? 0) + completion_tokens * NANO_PER_TOKEN)
      const usage = { prompt_tokens: 0, completion_tokens, total_tokens: completion_tokens }
      return Response.json({ id: 'c', object: 'chat.completion', model: 'm', choices: [], usage })
    },
  })
  return { url: `http://127.0.0.1:${server.port}/v1`, counted, stop: () => server.stop(true) }
}

interface Wanted {
  max_tokens: number
  stream?: boolean
  user: string
}

/** Its client leaves after the first event, so it never says what it used. */
function endless() {
  const event = new TextEncoder().encode(`data: {"choices":[{"index":0,"delta":{"content":"word "}}]}\n\n`)
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await Bun.sleep(5)
      controller.enqueue(event)
    },
  })
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
}
