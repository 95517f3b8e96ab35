/** `keyhall health`, which asks a server on this machine whether it is ready. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { startGateway, type GatewayServer } from '../gateway/setup.ts'
import { sendWith, tlsSettings } from '../tls.ts'
import { folder, run, sentence, serve } from './command.ts'
import { inProcess } from './terminal.ts'

// Each test starts processes.
setDefaultTimeout(60_000)

const portOf = (url: string) => new URL(url).port

describe('keyhall health', () => {
  const place = folder()
  afterAll(() => place.remove())

  test('says with 0 that a server is ready, and with 1 that it shuts down or has ended', async () => {
    const server = await serve(`sqlite:${place.path}/k.db`, ['--shutdown-delay-seconds', '60'])
    const health = () => run(['health'], { env: { KEYHALL_HOST: '0.0.0.0', KEYHALL_PORT: portOf(server.url) } })
    expect(await health()).toEqual({ code: 0, out: `The server on ${server.url} is ready.\n`, err: '' })

    server.signal('SIGTERM')
    await server.prints('Stopping in 60 seconds')
    const stopping = await health()
    expect(stopping).toMatchObject({ code: 1, out: '' })
    expect(sentence(stopping)).toBe(`The server on ${server.url} is not ready: The server is shutting down.`)

    server.signal('SIGINT')
    await server.ended
    const ended = await health()
    expect(ended).toMatchObject({ code: 1, out: '' })
    expect(sentence(ended)).toBe(`Nothing answers ${server.url}/readyz: ECONNREFUSED: Unable to connect.`)
  })

  test('says also with 1 that a setting is wrong, because Docker reserves 2', async () => {
    const file = `${place.path}/keyhall.yaml`
    const says = async (text: string, ...args: string[]) => {
      writeFileSync(file, text)
      const ended = await inProcess(['health', ...args])
      expect(ended).toMatchObject({ code: 1, out: '' })
      return sentence(ended)
    }
    expect(await says('server: [', '--config', file)).toContain('This is not correct YAML')
    expect(await says('', '--config', `${file}.none`)).toContain('cannot be read')
    expect(await says('', '--port', '70000')).toStartWith('--port must be')
    expect(await says('server: { port: 1 }', '--config', file)).toStartWith('Nothing answers http://127.0.0.1:1/readyz')
  })

  test('is told by another program on the port that this is no Keyhall', async () => {
    const other = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response('no', { status: 404 }) })
    const ended = await run(['health', '--port', String(other.port)])
    expect(ended).toMatchObject({ code: 1, out: '' })
    expect(sentence(ended)).toBe(`The server on http://127.0.0.1:${other.port} is not ready: it answered 404.`)
    await other.stop(true)
  })

  describe('of a server that speaks TLS', () => {
    let server: GatewayServer
    let env: Record<string, string>
    beforeAll(async () => {
      env = tlsSettings(place.path)
      server = await startGateway('sqlite', null, env, sendWith())
    })
    afterAll(() => server.stop())

    test('asks it over TLS, whatever the name in its certificate', async () => {
      const { code, out } = await run(['health', '--port', portOf(server.url)], { env })
      expect({ code, out }).toEqual({
        code: 0,
        out: `The server on https://127.0.0.1:${portOf(server.url)} is ready.\n`,
      })
    })
  })
})
