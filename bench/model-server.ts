/**
 * A model server that costs as little as it can: one JSON answer, or a stream of fifty events,
 * whatever it is asked.
 */
const PIECES = 50
const answer = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'bench',
  choices: [{ index: 0, message: { role: 'assistant', content: 'word '.repeat(120) }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 400, completion_tokens: 120, total_tokens: 520 },
})
const delta = {
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  choices: [{ index: 0, delta: { content: 'word ' } }],
}
const encoder = new TextEncoder()
const event = encoder.encode(`data: ${JSON.stringify(delta)}\n\n`)
const usage = encoder.encode(
  `data: ${JSON.stringify({ id: 'chatcmpl-1', choices: [], usage: { prompt_tokens: 100, completion_tokens: 50, total_tokens: 150 } })}\n\n`,
)

/** Requests that are being answered now. */
let open = 0
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/**
 * Events come as fast as they are taken, mostly many at a time; for the models `paced` and `slow`
 * one by one, every 1 or 20 ms. The last one has the usage, where it is asked for.
 */
function stream(milliseconds: number, saysUsage: boolean): Response {
  let pieces = 0
  open++
  let isOpen = true
  const end = () => {
    if (isOpen) open--
    isOpen = false
  }
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        await (milliseconds > 0 ? Bun.sleep(milliseconds) : turn())
        if (!isOpen) return
        if (pieces++ < PIECES) return controller.enqueue(event)
        end()
        if (saysUsage) controller.enqueue(usage)
        controller.close()
      },
      cancel: end,
    },
    { highWaterMark: 0 },
  )
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
}

export const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  async fetch(request) {
    if (request.url.endsWith('/open')) return Response.json(open)
    if (request.url.endsWith('/models'))
      return Response.json({ object: 'list', data: [{ id: 'bench' }, { id: 'paced' }, { id: 'slow' }] })
    const text = await request.text()
    if (text.includes('"stream":true'))
      return stream(
        text.includes('"model":"slow"') ? 20 : text.includes('"model":"paced"') ? 1 : 0,
        text.includes('"include_usage":true'),
      )
    return new Response(answer, { headers: { 'content-type': 'application/json' } })
  },
})
console.log(`http://127.0.0.1:${server.port}`)

process.once('SIGTERM', () => process.exit(0))
