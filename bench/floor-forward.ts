/**
 * The floor under the gateway: Bun.serve that forwards with `fetch`, for anybody, and asks nothing.
 */
const upstream = process.env.FLOOR_UPSTREAM!

export const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  async fetch(request) {
    const { status, headers, body } = await fetch(`${upstream}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: await request.bytes(),
    })
    return new Response(body, { status, headers: { 'content-type': headers.get('content-type')! } })
  },
})
console.log(`http://127.0.0.1:${server.port}`)

process.once('SIGTERM', () => process.exit(0))
