/**
 * A key that dies while its request is under way: what was still arriving is not forwarded, and
 * what is being answered is ended. On the server that was asked to revoke, and on another one of
 * the same database.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { connect, type Socket } from 'node:net'
import { singleUpstream } from '../../gateway/upstream-config.ts'
import { startOther, type OtherServer } from '../other-server.ts'
import { addPerson, engines, startServer, START_MILLISECONDS, type TestServer } from '../setup.ts'
import { until } from './setup.ts'

interface Key {
  id: string
  value: string
  project_id: string
  user_id: string
}

/** A model server whose answers are told what to do while they are under way. */
function startModel() {
  const forwarded: string[] = []
  let aborted = 0
  let send: (text: string) => void = () => {}
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    idleTimeout: 0,
    async fetch(request) {
      if (request.url.endsWith('/models')) return Response.json({ data: [{ id: 'tiny' }, { id: 'waits' }] })
      request.signal.addEventListener('abort', () => aborted++)
      forwarded.push(await request.text())
      if (forwarded.at(-1)!.includes('"waits"')) return new Promise<Response>(() => {})
      if (!forwarded.at(-1)!.includes('"stream":')) return Response.json({})
      const type = forwarded.at(-1)!.includes('audio') ? 'audio/mpeg' : 'text/event-stream'
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => {
          send = (text) => controller.enqueue(Buffer.from(text))
          send('data: {"begun":true}\n\n')
        },
      })
      return new Response(body, { headers: { 'content-type': type } })
    },
  })
  return {
    url: `${server.url}v1`,
    forwarded,
    aborted: () => aborted,
    send: (text: string) => send(text),
    stop: () => server.stop(true),
  }
}

for (const engine of engines)
  describe(`a key that dies (${engine})`, () => {
    const model = startModel()
    let server: TestServer
    let other: OtherServer
    const ports: Record<string, number> = {}
    const stops: (() => unknown)[] = []
    let keys = 0
    let key: Key
    /** How long streams went on after the answer to the change, in milliseconds. */
    const took: number[] = []

    beforeAll(async () => {
      const upstreams = singleUpstream(model.url, null)
      server = await startServer(engine, { upstreams: upstreams.upstreams })
      other = await startOther(server, { upstreams, log: (line) => server.log.push(line), onError: () => {} })
      for (const [name, fetch] of Object.entries({ 'the same server': server.fetch, 'another server': other.fetch })) {
        const listener = Bun.serve({ port: 0, hostname: '127.0.0.1', idleTimeout: 60, development: false, fetch })
        ports[name] = listener.port!
        stops.push(() => listener.stop(true))
      }
      stops.push(
        () => other.stop(),
        () => server.stop(),
      )
    }, START_MILLISECONDS)
    afterAll(async () => {
      for (const stop of stops) await stop()
      await model.stop()
    })
    beforeEach(async () => {
      server.world.ahead = 0
      model.forwarded.length = 0
      key = await personKey(`user-dies-${++keys}`)
    })

    const organization = () => server.client.admin.organization
    const projects = () => organization().projects

    async function personKey(id: string): Promise<Key> {
      const project = await projects().create({ name: id })
      await addPerson(server, { id, email: `${id}@example.com`, project_id: project.id })
      const path = `/organization/projects/${project.id}/api_keys`
      const made = await server.request('POST', path, { name: 'laptop', user_id: id })
      return { ...((await made.json()) as { id: string; value: string }), project_id: project.id, user_id: id }
    }

    const deaths: Record<string, { status: number; kill: () => Promise<unknown> }> = {
      'was deleted': { status: 401, kill: () => projects().apiKeys.delete(key.id, key) },
      'has expired': {
        status: 401,
        async kill() {
          await projects().apiKeys.update(key.id, { project_id: key.project_id, expires_in_seconds: 10 })
          server.world.ahead = 11
        },
      },
      'was restricted': {
        status: 403,
        kill: () => projects().apiKeys.update(key.id, { project_id: key.project_id, scopes: ['api.files.read'] }),
      },
      'lost its project': { status: 403, kill: () => projects().archive(key.project_id) },
      'lost its owner’s role': {
        status: 403,
        kill: () => projects().users.roles.delete('role-api-project-member', { ...key }),
      },
    }

    const bodies: Record<string, { type: string; text: string }> = {
      JSON: { type: 'application/json', text: '{"model":"tiny","messages":[]}' },
      'a form': {
        type: 'multipart/form-data; boundary=b',
        text: '--b\r\nContent-Disposition: form-data; name="model"\r\n\r\ntiny\r\n--b--\r\n',
      },
    }

    /** Sends the head of a request and the beginning of its body. */
    function begin(
      port: number,
      { type, text }: { type: string; text: string },
      sent: number,
      path = '/chat/completions',
    ) {
      let answer = ''
      const socket: Socket = connect(port, '127.0.0.1')
      socket.on('data', (piece) => (answer += piece.toString('latin1')))
      socket.on('error', () => {})
      const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()))
      socket.write(
        `POST /v1${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key.value}\r\n` +
          `Content-Type: ${type}\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n${text.slice(0, sent)}`,
      )
      return { socket, closed, answer: () => answer, finish: () => socket.write(text.slice(sent)) }
    }

    const underWay = () => server.context.cache.counts.misses + other.context.cache.counts.misses

    for (const where of ['the same server', 'another server'])
      for (const [how, { status, kill }] of Object.entries(deaths)) {
        for (const [what, body] of Object.entries(bodies))
          test(`and ${how}, while ${what} was arriving at ${where}: nothing is forwarded`, async () => {
            const before = underWay()
            const held = begin(ports[where]!, body, 12)
            // The key was read, so the request was let in and waits for its body.
            await until(() => underWay() > before)
            await kill()
            held.finish()
            await held.closed
            expect(held.answer()).toStartWith(`HTTP/1.1 ${status} `)
            expect(model.forwarded).toEqual([])
          })

        test(`and ${how}, while ${where} streams to it: the stream ends with an error event`, async () => {
          const text = '{"model":"tiny","stream":true}'
          const held = begin(ports[where]!, { type: 'application/json', text }, text.length)
          await until(() => held.answer().includes('begun'))
          const before = model.aborted()
          await kill()
          const killed = performance.now()
          await held.closed
          took.push(performance.now() - killed)
          const last = /data: (\{"error".*\})\n\n/.exec(held.answer())
          expect(JSON.parse(last![1]!)).toMatchObject({
            error: { type: 'invalid_request_error', code: status === 401 ? 'invalid_api_key' : 'missing_scope' },
          })
          expect(held.answer()).toEndWith(`\r\n0\r\n\r\n`)
          await until(() => model.aborted() > before)
          await until(() =>
            server.log.some((line) => line.key_id === key.id && line.forwarded?.ended === 'key revoked'),
          )
        })
      }

    test('streams end within a second after the answer to the change', () => {
      expect(took.length).toBe(10)
      // The middle one, because a busy machine delays some of them.
      expect(took.toSorted((one, other) => one - other)[5]!).toBeLessThan(1_000)
    })

    test('in the middle of an event: the event may end before the error, and is waited for half a second at most', async () => {
      for (const isFinished of [true, false]) {
        key = await personKey(`user-mid-${++keys}`)
        const text = '{"model":"tiny","stream":true}'
        // A path whose events nobody looks at, so that they pass in pieces.
        const port = ports['the same server']!
        const held = begin(port, { type: 'application/json', text }, text.length, '/unknown')
        await until(() => held.answer().includes('begun'))
        model.send('data: {"half"')
        await until(() => held.answer().includes('half'))
        await deaths['was deleted']!.kill()
        if (isFinished) {
          await Bun.sleep(150)
          model.send(':1}\n\n')
        }
        await held.closed
        expect(held.answer().includes(':1}\n\n')).toBe(isFinished)
        expect(held.answer().includes('"error"')).toBe(isFinished)
        expect(held.answer().endsWith('\r\n0\r\n\r\n')).toBe(isFinished)
      }
    })

    test('while an answer that is no event stream passes: the connection is cut', async () => {
      const text = '{"model":"tiny","stream":"audio"}'
      const held = begin(ports['the same server']!, { type: 'application/json', text }, text.length)
      await until(() => held.answer().includes('begun'))
      await deaths['was deleted']!.kill()
      await held.closed
      expect(held.answer()).not.toContain('"error"')
      expect(held.answer()).not.toContain('\r\n0\r\n\r\n')
    })

    test('while the upstream has not begun to answer: the upstream is left, and the answer is a 401', async () => {
      const text = '{"model":"waits"}'
      const held = begin(ports['the same server']!, { type: 'application/json', text }, text.length)
      await until(() => model.forwarded.length === 1)
      const before = model.aborted()
      await deaths['was deleted']!.kill()
      await held.closed
      expect(held.answer()).toStartWith('HTTP/1.1 401 ')
      await until(() => model.aborted() > before)
    })

    test('a key that changes and may still do it is not disturbed', async () => {
      const text = '{"model":"tiny","stream":true}'
      const held = begin(ports['the same server']!, { type: 'application/json', text }, text.length)
      await until(() => held.answer().includes('begun'))
      const { misses } = server.context.cache.counts
      await projects().apiKeys.update(key.id, { project_id: key.project_id, scopes: ['api.model.request'] })
      await until(() => server.context.cache.counts.misses > misses)
      await Bun.sleep(300)
      model.send('data: {"still":true}\n\n')
      await until(() => held.answer().includes('still'))
      held.socket.destroy()
    })
  })
