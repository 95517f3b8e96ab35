/** A model server that answers every kind of call as OpenAI does, for real clients. */

export const USAGE = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 }
export const SPEECH = 'RIFF of speech'
const line = { custom_id: '1', method: 'POST', url: '/v1/chat/completions', body: { model: 'tiny', messages: [] } }
export const BATCH_INPUT = `${JSON.stringify(line)}\n`

interface Chat {
  model: string
  stream?: boolean
  stream_options?: { include_usage?: boolean }
  tools?: unknown[]
  messages: { role: string }[]
}

/** Where it listens, and the path of each request that it got, oldest first. */
export function startModelServer() {
  const paths: string[] = []
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request, server) {
      if (request.headers.has('upgrade') && server.upgrade(request)) return undefined
      const { pathname } = new URL(request.url)
      if (pathname !== '/v1/models') paths.push(`${request.method} ${pathname}`)
      const answer = answers[`${request.method} ${pathname}`]
      return answer ? answer(request) : Response.json({ error: { message: 'unknown path' } }, { status: 404 })
    },
    // A realtime session: whatever it is told, it gives one response.
    websocket: {
      message(socket) {
        socket.send(JSON.stringify({ type: 'response.output_text.delta', delta: 'Hello there.' }))
        const response = { id: 'resp_1', status: 'completed', usage: { input_tokens: 11, output_tokens: 7 } }
        socket.send(JSON.stringify({ type: 'response.done', response }))
      },
    },
  })
  return { url: `http://127.0.0.1:${server.port}/v1`, paths, stop: () => server.stop(true) }
}

const file = { id: 'file-1', object: 'file', bytes: 5, created_at: 1, filename: 'a.jsonl', purpose: 'batch' }
const batch = {
  id: 'batch_1',
  object: 'batch',
  endpoint: '/v1/chat/completions',
  input_file_id: 'file-1',
  completion_window: '24h',
  // Not completed: its use would be counted with that of the other calls.
  status: 'in_progress',
  created_at: 1,
}
const picture = { created: 1, data: [{ b64_json: 'AAAA' }] }

const answers: Record<string, (request: Request) => Response | Promise<Response>> = {
  'GET /v1/models': () =>
    Response.json({ object: 'list', data: [{ id: 'tiny', object: 'model', created: 1, owned_by: 'us' }] }),
  'POST /v1/chat/completions': async (request) => chat((await request.json()) as Chat),
  'POST /v1/responses': async (request) => respond((await request.json()) as { model: string; stream?: boolean }),
  async 'POST /v1/embeddings'(request) {
    const { input, encoding_format } = (await request.json()) as { input: string | string[]; encoding_format?: string }
    const vector = new Float32Array([0.5, 0.25])
    const embedding = encoding_format === 'base64' ? Buffer.from(vector.buffer).toString('base64') : [...vector]
    const data = [input].flat().map((_, index) => ({ object: 'embedding', index, embedding }))
    return Response.json({ object: 'list', model: 'tiny', data, usage: { prompt_tokens: 11, total_tokens: 11 } })
  },
  async 'POST /v1/files'(request) {
    const form = await request.formData()
    return Response.json({ ...file, bytes: (form.get('file') as File).size })
  },
  'GET /v1/files/file-1': () => Response.json(file),
  'GET /v1/files/file-1/content': () => new Response(BATCH_INPUT),
  'DELETE /v1/files/file-1': () => Response.json({ id: 'file-1', object: 'file', deleted: true }),
  'POST /v1/images/generations': () => Response.json(picture),
  async 'POST /v1/images/edits'(request) {
    const form = await request.formData()
    return form.get('image') instanceof File ? Response.json(picture) : Response.json({}, { status: 400 })
  },
  async 'POST /v1/audio/transcriptions'(request) {
    const form = await request.formData()
    return Response.json({ text: `${(form.get('file') as File).size} bytes` })
  },
  'POST /v1/audio/speech': () => new Response(SPEECH, { headers: { 'content-type': 'audio/wav' } }),
  'POST /v1/batches': () => Response.json({ ...batch, status: 'validating' }),
  'GET /v1/batches/batch_1': () => Response.json(batch),
}

function chat({ model, stream, stream_options, tools, messages }: Chat): Response {
  const call = { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Rome"}' } }
  const callsTool = tools !== undefined && !messages.some(({ role }) => role === 'tool')
  const finish_reason = callsTool ? 'tool_calls' : 'stop'
  const message = callsTool ? { content: null, tool_calls: [call] } : { content: 'Hello there.' }
  const head = { id: 'chatcmpl-1', created: 1, model }
  if (!stream)
    return Response.json({
      ...head,
      object: 'chat.completion',
      choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason }],
      usage: USAGE,
    })
  const chunk = (choices: object[], more = {}) => ({ ...head, object: 'chat.completion.chunk', choices, ...more })
  const deltas = callsTool
    ? [{ role: 'assistant', tool_calls: [{ index: 0, ...call }] }]
    : [{ role: 'assistant', content: 'Hello' }, { content: ' there.' }]
  const chunks = [
    ...deltas.map((delta) => chunk([{ index: 0, delta, finish_reason: null }])),
    chunk([{ index: 0, delta: {}, finish_reason }]),
    ...(stream_options?.include_usage ? [chunk([], { usage: USAGE })] : []),
  ]
  return events([...chunks.map((one) => `data: ${JSON.stringify(one)}\n\n`), 'data: [DONE]\n\n'])
}

function respond({ model, stream }: { model: string; stream?: boolean }): Response {
  const content = [{ type: 'output_text', text: 'Hello there.', annotations: [] }]
  const item = { id: 'msg_1', type: 'message', role: 'assistant', status: 'completed', content }
  const response = {
    id: 'resp_1',
    object: 'response',
    created_at: 1,
    model,
    status: 'completed',
    output: [item],
    tools: [],
    parallel_tool_calls: true,
    usage: {
      input_tokens: 11,
      input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
      output_tokens: 7,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: 18,
    },
  }
  if (!stream) return Response.json(response)
  const place = { item_id: 'msg_1', output_index: 0, content_index: 0 }
  const begun = { ...response, status: 'in_progress', output: [], usage: null }
  const all: [type: string, members: object][] = [
    ['response.created', { response: begun }],
    ['response.output_item.added', { output_index: 0, item: { ...item, status: 'in_progress', content: [] } }],
    ['response.content_part.added', { ...place, part: { type: 'output_text', text: '', annotations: [] } }],
    ['response.output_text.delta', { ...place, delta: 'Hello', logprobs: [] }],
    ['response.output_text.delta', { ...place, delta: ' there.', logprobs: [] }],
    ['response.output_text.done', { ...place, text: 'Hello there.', logprobs: [] }],
    ['response.content_part.done', { ...place, part: content[0] }],
    ['response.output_item.done', { output_index: 0, item }],
    ['response.completed', { response }],
  ]
  return events(
    all.map(([type, members], sequence_number) => {
      const data = JSON.stringify({ type, sequence_number, ...members })
      return `event: ${type}\ndata: ${data}\n\n`
    }),
  )
}

function events(pieces: string[]): Response {
  const encoder = new TextEncoder()
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = pieces.shift()
      if (piece === undefined) controller.close()
      else controller.enqueue(encoder.encode(piece))
    },
  })
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
}
