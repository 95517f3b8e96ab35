/**
 * What the gateway holds of bodies: within a bound for all and one for each key, which
 * administration shares.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { connect, type Socket } from 'node:net'
import { ADMIN_KEY, startGateway, until, type GatewayServer } from '../gateway/setup.ts'
import { startUpstream, type FakeUpstream } from '../gateway/upstream.ts'
import { engines, START_MILLISECONDS } from '../setup.ts'
import { sample } from './samples.ts'

const KiB = 1024
const MiB = 1024 * KiB
const json = 'application/json'
const form = 'multipart/form-data; boundary=b'

for (const engine of engines)
  describe(`bodies that the gateway holds (${engine})`, () => {
    let upstream: FakeUpstream
    let server: GatewayServer
    let others: string[]
    const sockets: Socket[] = []

    beforeAll(async () => {
      upstream = startUpstream()
      server = await startGateway(engine, `upstreams: [{ name: near, base_url: "${upstream.url}" }]`, {
        KEYHALL_MAX_BODY: '1MiB',
        KEYHALL_BODY_MEMORY: '3MiB',
        KEYHALL_BODY_MEMORY_PER_KEY: '1MiB',
      })
      const { serviceAccounts } = server.admin.admin.organization.projects
      const made = ['a', 'b'].map((name) => serviceAccounts.create(server.project_id, { name }))
      others = (await Promise.all(made)).map(({ api_key }) => api_key!.value)
    }, START_MILLISECONDS)
    afterAll(async () => {
      await server.stop()
      await upstream.stop()
    })

    const memory = () => sample(server.url, 'keyhall_body_memory_bytes')
    const holds = async (wanted: (bytes: number) => boolean) => {
      while (!wanted(await memory())) await Bun.sleep(10)
    }
    const leaveAll = async () => {
      for (const socket of sockets.splice(0)) socket.destroy()
      await holds((bytes) => bytes === 0)
    }

    /**
     * Sends a head and some bytes of a body whose rest never comes; answers with what is answered.
     */
    function hold(
      key: string,
      bytes: number,
      type = json,
      framing: 'announced' | 'chunked' = 'announced',
      path = '/v1/chat/completions',
    ) {
      const socket = connect(server.port, '127.0.0.1')
      const answer = { text: '', status: () => Number(answer.text.slice(9, 12)) || null }
      socket.on('data', (piece) => (answer.text += piece.toString('latin1')))
      socket.on('error', () => {})
      const length = framing === 'announced' ? 'Content-Length: 1048576' : 'Transfer-Encoding: chunked'
      socket.write(
        `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nContent-Type: ${type}\r\n${length}\r\n\r\n`,
      )
      if (framing === 'chunked') socket.write(`${bytes.toString(16)}\r\n`)
      socket.write(Buffer.alloc(bytes, 0x20))
      sockets.push(socket)
      return answer
    }

    for (const framing of ['announced', 'chunked'] as const)
      test(`JSON is counted as it arrives, and given back when the client leaves (${framing})`, async () => {
        hold(server.key, 300 * KiB, json, framing)
        await holds((bytes) => bytes === 300 * KiB)
        await leaveAll()
      })

    test('a small announced body is counted whole from its head on', async () => {
      const socket = connect(server.port, '127.0.0.1')
      socket.write(
        `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.key}\r\nContent-Type: ${json}\r\nContent-Length: 1000\r\n\r\n{`,
      )
      sockets.push(socket)
      await holds((bytes) => bytes === 1000)
      await leaveAll()
    })

    for (const framing of ['announced', 'chunked'] as const)
      test(`one key cannot take more than its share, and a 503 says when to come back (${framing})`, async () => {
        hold(server.key, 900 * KiB, json, framing)
        await holds((bytes) => bytes === 900 * KiB)
        const second = hold(server.key, 900 * KiB, json, framing)
        await until(() => second.status() !== null)
        expect(second.status()).toBe(503)
        expect(second.text).toContain('retry-after: 1\r\n')
        expect(second.text).toContain('"code":"body_memory_full"')
        // Another key has its own share.
        hold(others[0]!, 900 * KiB, json, framing)
        await holds((bytes) => bytes === 1800 * KiB)
        await leaveAll()
      })

    test('administration and the gateway share one memory', async () => {
      for (const key of [server.key, ...others]) hold(key, 900 * KiB)
      await holds((bytes) => bytes === 2700 * KiB)
      const last = hold(ADMIN_KEY, 900 * KiB, json, 'announced', '/v1/organization/projects')
      await until(() => last.status() !== null)
      expect(last.status()).toBe(503)
      await leaveAll()
    })

    test('a form takes memory only until it lies in a file', async () => {
      const head = '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
      const begin = (bytes: number) => {
        const socket = connect(server.port, '127.0.0.1')
        socket.write(
          `POST /v1/files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.key}\r\nContent-Type: ${form}\r\nContent-Length: 1048576\r\n\r\n${head}`,
        )
        socket.write(Buffer.alloc(bytes, 0x20))
        sockets.push(socket)
      }
      begin(100 * KiB)
      await holds((bytes) => bytes === 100 * KiB + head.length)
      await leaveAll()
      begin(900 * KiB)
      // All that was sent went through memory, and none of it is left there.
      let most = 0
      while (most === 0 || (await memory()) > 0) most = Math.max(most, (await memory()) || 1)
      await leaveAll()
    })

    test('every body gives its memory back, whatever became of the request', async () => {
      const requests = [
        server.request('POST', '/chat/completions', { model: 'tiny' }),
        server.request('POST', '/chat/completions', '{"model":'),
        server.request('POST', '/chat/completions', { model: 'tiny', pad: 'x'.repeat(200 * KiB) }),
        server.request('POST', '/chat/completions', 'x'.repeat(2 * MiB)),
        server.request('POST', '/chat/completions', { model: 'nothing here' }),
      ]
      for (const request of requests) await (await request).text()
      await holds((bytes) => bytes === 0)
    })
  })
