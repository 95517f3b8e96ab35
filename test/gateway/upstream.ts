/**
 * A model server for the tests: it answers as the name of the model asks it to, and remembers what
 * it was sent.
 */
import { createServer, type Socket } from 'node:net'

export interface Sent {
  method: string
  path: string
  headers: Record<string, string>
  body: string
  /** Settles when the caller closes the connection before the answer is whole. */
  aborted: Promise<void>
}

export interface FakeUpstream {
  url: string
  /** Every request but those for `/models`, oldest first. */
  sent: Sent[]
  /** What `/models` lists. */
  models: string[]
  /** Bytes of an endless answer that were taken from us. */
  given: () => number
  stop: () => Promise<void>
}

export const SECRET = 'sk-upstream-secret-0123456789'

const text = (value: string) => new TextEncoder().encode(value)

export const event = (content: string) =>
  `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`

const completion = (model: string) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model,
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hello.' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
})

const events = (pull: UnderlyingDefaultSource<Uint8Array>['pull']) =>
  new Response(new ReadableStream<Uint8Array>({ pull: pull! }, { highWaterMark: 0 }), {
    headers: { 'content-type': 'text/event-stream; charset=utf-8' },
  })

export function startUpstream(name = 'one'): FakeUpstream {
  const sent: Sent[] = []
  const never = new Promise<never>(() => {})
  let given = 0
  const upstream: Pick<FakeUpstream, 'models'> = { models: ['tiny', 'words', 'echo'] }

  /** By the name of the model. */
  const answers: Record<string, (body: string) => Response | Promise<Response>> = {
    words() {
      const pieces = [event('Hel'), event('lo.'), 'data: [DONE]\n\n']
      return events((controller) => {
        const piece = pieces.shift()
        if (piece) controller.enqueue(text(piece))
        else controller.close()
      })
    },
    silent: () => never,
    stalls() {
      let begun = false
      return events((controller) => {
        if (begun) return never
        begun = true
        controller.enqueue(text(event('Hel')))
      })
    },
    'stalls-in-an-event'() {
      let begun = false
      return events((controller) => {
        if (begun) return never
        begun = true
        controller.enqueue(text('data: {"id":"chat'))
      })
    },
    endless() {
      const piece = new Uint8Array(64 * 1024).fill(120)
      const body = new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            given += piece.length
            controller.enqueue(piece)
          },
        },
        { highWaterMark: 0 },
      )
      return new Response(body, { headers: { 'content-type': 'audio/mpeg' } })
    },
    refuses: () => Response.json({ error: { message: `wrong key ${SECRET}` } }, { status: 401 }),
    forbids: () => Response.json({ error: { message: `wrong key ${SECRET}` } }, { status: 403 }),
    redirects: () => new Response(null, { status: 307, headers: { location: `${server.url}elsewhere` } }),
    overloaded: () =>
      Response.json(
        { error: { message: 'Overloaded', type: 'server_error' } },
        { status: 429, headers: { 'retry-after': '7' } },
      ),
    headers: () =>
      new Response('{}', {
        headers: [
          ['content-type', 'application/json'],
          ['set-cookie', 'session=1'],
          ['set-cookie', 'other=2'],
          ['x-request-id', 'req_upstream'],
          ['openai-organization', 'org-upstream'],
          ['openai-project', 'proj_upstream'],
          ['x-ratelimit-remaining-requests', '9'],
          ['x-powered-by', 'something'],
          ['server', 'something'],
        ],
      }),
    echo: (body) => new Response(body, { headers: { 'content-type': 'application/json' } }),
  }

  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    idleTimeout: 0,
    maxRequestBodySize: 1024 * 1024 * 1024,
    async fetch(request) {
      const path = request.url.slice(request.url.indexOf('/', 8))
      if (path === '/v1/models')
        return Response.json({
          object: 'list',
          data: upstream.models.map((id) => ({ id, object: 'model', created: 7, owned_by: name })),
        })
      const aborted = new Promise<void>((resolve) => request.signal.addEventListener('abort', () => resolve()))
      const one: Sent = {
        method: request.method,
        path,
        headers: Object.fromEntries(request.headers),
        body: '',
        aborted,
      }
      sent.push(one)
      const body = await request.text()
      one.body = body.length > 100_000 ? `${body.length} bytes` : body
      const model = modelOf(request, body)
      if (path === '/v1/embeddings')
        return Response.json({
          object: 'list',
          model,
          data: [{ object: 'embedding', index: 0, embedding: [0.5, 0.25] }],
          usage: { prompt_tokens: 1, total_tokens: 1 },
        })
      if (path === '/v1/files/empty/content') return new Response('')
      if (path === '/v1/audio/transcriptions') return Response.json({ text: `${body.length} bytes for ${model}` })
      return answers[model]?.(body) ?? Response.json(completion(`${model} of ${name}`))
    },
  })
  return Object.assign(upstream, {
    url: `${server.url}v1`,
    sent,
    given: () => given,
    stop: () => server.stop(true),
  })
}

function modelOf({ headers }: Request, body: string): string {
  if (headers.get('content-type')?.startsWith('multipart/')) return /name="model"\r\n\r\n([^\r]*)/.exec(body)?.[1] ?? ''
  try {
    return (JSON.parse(body) as { model?: string }).model ?? ''
  } catch {
    return ''
  }
}

/** A server that says these bytes to whatever it is asked, and then closes or hangs. */
export async function startRawUpstream(say: string | null, then: 'close' | 'hang' = 'close') {
  const sockets = new Set<Socket>()
  const heard: string[] = []
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      heard.push(bytes.toString('latin1'))
      if (say !== null) socket.write(say)
      // Not at once: Bun's fetch drops what it has read when the connection breaks in the same
      // moment.
      if (then === 'close') setTimeout(() => socket.destroy(), 50)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}/v1`,
    heard,
    /** Connections that are not closed. */
    open: () => [...sockets].filter((socket) => !socket.destroyed).length,
    stop: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
