/** Streams that last: more of them at once than Bun's `fetch` has by default. */
import { expect, test } from 'bun:test'
import { connect } from 'node:net'
import { folder, serve } from '../cli/command.ts'
import { launcher, program as executable } from '../program.ts'
import { START_MILLISECONDS } from '../setup.ts'
import { until } from './setup.ts'

const STREAMS = 300
const programs = [
  { name: 'the npm command', program: launcher },
  // Called by hand, `bun test` has none.
  ...(process.env.TEST_PROGRAM ? [{ name: 'the executable', program: executable }] : []),
]

test.each(programs)(
  `${STREAMS} streams are under way at once, by $name`,
  async ({ program }) => {
    const home = folder()
    let started = 0
    let finish = () => {}
    const finished = new Promise<void>((resolve) => (finish = resolve))
    const upstream = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      idleTimeout: 0,
      fetch: ({ url }) => {
        if (url.endsWith('/models')) return Response.json({ object: 'list', data: [{ id: 'm', object: 'model' }] })
        started++
        const body = new ReadableStream({
          async start(controller) {
            controller.enqueue('data: {}\n\n')
            await finished
            controller.close()
          },
        })
        return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
      },
    })
    const server = await serve(`sqlite:${home.path}/keyhall.db`, ['--upstream', `${upstream.url}v1`], { program })
    const ask = (path: string, key: string, body: object) =>
      fetch(`${server.url}/v1${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    const listed = await fetch(`${server.url}/v1/organization/projects`, {
      headers: { authorization: `Bearer ${server.key}` },
    })
    const [project] = ((await listed.json()) as { data: { id: string }[] }).data
    const made = await ask(`/organization/projects/${project!.id}/service_accounts`, server.key!, { name: 'many' })
    const { api_key } = (await made.json()) as { api_key: { value: string } }
    // Sockets of their own: `fetch` in this process has a bound, too.
    const streams = Array.from({ length: STREAMS }, () => streamed(server.url, api_key.value))
    await until(() => started === STREAMS)
    finish()
    for (const answer of await Promise.all(streams)) {
      expect(answer).toStartWith('HTTP/1.1 200 ')
      expect(answer).toContain('data: {}')
    }
    server.signal('SIGTERM')
    await server.ended
    await upstream.stop(true)
    home.remove()
  },
  START_MILLISECONDS,
)

/** All bytes of an answer to a request that streams. */
function streamed(url: string, key: string): Promise<string> {
  const { hostname, port } = new URL(url)
  const body = JSON.stringify({ model: 'm', messages: [], stream: true })
  const head = [
    'POST /v1/chat/completions HTTP/1.1',
    `host: ${hostname}`,
    `authorization: Bearer ${key}`,
    'content-type: application/json',
    `content-length: ${body.length}`,
    'connection: close',
  ]
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(Number(port), hostname, () => socket.write(`${head.join('\r\n')}\r\n\r\n${body}`))
    socket.on('data', (bytes) => (answer += bytes))
    socket.on('end', () => resolve(answer))
    socket.on('error', reject)
  })
}
