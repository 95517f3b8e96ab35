/**
 * Keyhall serves TLS itself: on every port, over HTTP/1.1 and HTTP/2, with a certificate that
 * changes.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { rmSync, writeFileSync } from 'node:fs'
import { connect as connectPlain } from 'node:net'
import { connect as connectHttp2 } from 'node:http2'
import { connect, type TLSSocket } from 'node:tls'
import { makeCertificate } from '../certificates.ts'
import { folder } from '../cli/command.ts'
import { ADMIN_KEY, startGateway, type GatewayServer } from '../gateway/setup.ts'
import { startUpstream, type FakeUpstream } from '../gateway/upstream.ts'
import { readTlsIdentity } from '../../server/tls-identity.ts'
import { sendWith, serverCertificate, tlsSettings } from '../tls.ts'

setDefaultTimeout(60_000)

/** Why it fails; null where it does not. */
const refusal = (trying: Promise<unknown>) => trying.then(() => null, String)

const portOf = (url: string) => Number(new URL(url).port)

/** A connection, when its handshake is done. */
const open = (url: string, options: object = {}) =>
  new Promise<TLSSocket>((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: portOf(url), rejectUnauthorized: false, ...options }, () =>
      resolve(socket),
    )
    socket.once('error', reject)
  })

const nameOn = async (url: string) => {
  const socket = await open(url)
  const { CN } = socket.getPeerCertificate().subject
  socket.destroy()
  return CN
}

/** Everything that comes on a connection until this stands in it. */
const until = (socket: TLSSocket, text: string) =>
  new Promise<string>((resolve, reject) => {
    let all = ''
    const read = (piece: Buffer) => {
      all += piece.toString()
      if (!all.includes(text)) return
      socket.off('data', read)
      resolve(all)
    }
    socket.on('data', read)
    socket.once('close', () => reject(new Error(`The connection ended after ${JSON.stringify(all)}.`)))
  })

describe('a server with a certificate', () => {
  const place = folder()
  let settings: ReturnType<typeof tlsSettings>
  let upstream: FakeUpstream
  let server: GatewayServer
  beforeAll(async () => {
    upstream = startUpstream()
    settings = tlsSettings(place.path)
    const yaml = `upstreams: [{ name: near, base_url: "${upstream.url}" }]`
    const ports = { KEYHALL_ADMIN_PORT: '0', KEYHALL_METRICS_PORT: '0' }
    server = await startGateway('sqlite', yaml, { ...settings, ...ports }, sendWith())
  })
  afterAll(async () => {
    await server.stop()
    await upstream.stop()
    place.remove()
  })

  /** Waits for a line in the log. */
  const logged = async (isIt: (line: Record<string, unknown>) => boolean) => {
    for (const end = Date.now() + 30_000; !server.log().some(isIt); await Bun.sleep(20))
      if (Date.now() > end) throw new Error(`It is not in the log: ${JSON.stringify(server.log())}`)
  }

  test('speaks TLS on every port and nothing else', async () => {
    const { main, admin, gateway, metrics } = server.urls
    expect(new Set([main, admin, metrics]).size).toBe(3)
    for (const url of [main, admin, gateway, metrics]) {
      expect(url).toStartWith('https://127.0.0.1:')
      expect((await sendWith()(`${url}/health`)).status).toBe(200)
      expect(await refusal(fetch(`${url.replace('https', 'http')}/health`))).not.toBe(null)
    }
    const headers = { authorization: `Bearer ${ADMIN_KEY}` }
    expect((await sendWith()(`${admin}/v1/organization/projects`, { headers })).status).toBe(200)
    expect((await sendWith()(`${metrics}/metrics`)).status).toBe(200)
    const models = await server.client().models.list()
    expect(models.object).toBe('list')
  })

  test('knows the address of the client', async () => {
    await sendWith()(`${server.urls.gateway}/v1/models`)
    await logged(
      ({ path, ip_address, status }) => path === '/v1/models' && ip_address === '127.0.0.1' && status === 401,
    )
  })

  test('refuses TLS 1.1', async () => {
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' }
    expect(await refusal(open(server.urls.gateway, old))).not.toBe(null)
  })

  test('speaks HTTP/2 with clients that choose it, many requests on one connection', async () => {
    const session = connectHttp2(server.urls.gateway, { rejectUnauthorized: false })
    const ask = (path: string, key: string, body?: string) =>
      new Promise<{ status: number; text: string }>((resolve, reject) => {
        const stream = session.request({
          ':path': path,
          ':method': body === undefined ? 'GET' : 'POST',
          authorization: `Bearer ${key}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
        })
        let status = 0
        let text = ''
        stream.on('response', (headers) => (status = headers[':status']!))
        stream.setEncoding('utf8')
        stream.on('data', (piece: string) => (text += piece))
        stream.on('end', () => resolve({ status, text }))
        stream.on('error', reject)
        stream.end(body)
      })
    const body = JSON.stringify({ model: 'm', messages: [] })
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask('/v1/chat/completions', server.key, body)))
    for (const { status, text } of answers) {
      expect(status).toBe(200)
      expect(JSON.parse(text).object).toBe('chat.completion')
    }
    expect((await ask('/v1/models', 'sk-proj-none')).status).toBe(401)
    expect(session.alpnProtocol).toBe('h2')
    session.close()
  })

  test('takes another certificate on SIGHUP, and a stream that is under way goes on', async () => {
    const stream = await open(server.urls.gateway)
    const body = JSON.stringify({ model: 'm', messages: [] })
    const head = `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.key}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`
    stream.write(head + body.slice(0, 5))
    expect(await nameOn(server.urls.gateway)).toBe('server')
    const { pem, key } = serverCertificate('renewed')
    writeFileSync(settings.KEYHALL_TLS_CERT, pem)
    writeFileSync(settings.KEYHALL_TLS_KEY, key)
    server.reload()
    for (const url of Object.values(server.urls)) expect(await nameOn(url)).toBe('renewed')
    const answered = until(stream, 'chat.completion')
    stream.write(body.slice(5))
    expect(await answered).toStartWith('HTTP/1.1 200')
    const again = until(stream, 'chat.completion')
    stream.write(head + body)
    expect(await again).toStartWith('HTTP/1.1 200')
    stream.destroy()
    expect((await sendWith()(`${server.urls.gateway}/health`)).status).toBe(200)
  })

  test('keeps its certificate where the new files do not fit, and says why', async () => {
    const before = await nameOn(server.urls.gateway)
    writeFileSync(settings.KEYHALL_TLS_KEY, serverCertificate().key)
    server.reload()
    expect(await nameOn(server.urls.gateway)).toBe(before!)
    await logged(({ message }) => String(message).startsWith('The certificate stays as it was. The key in'))
    expect(JSON.stringify(server.log())).not.toContain('PRIVATE KEY')
  })

  test('a client that leaves ends its request, and one that shows nothing is waited for no longer', async () => {
    const socket = await open(server.urls.gateway)
    socket.write(`GET /v1/models HTTP/1.1\r\nHost: x\r\n`)
    socket.destroy()
    const plain = connectPlain(portOf(server.urls.gateway), '127.0.0.1')
    const ended = new Promise((resolve) => plain.once('close', resolve))
    plain.on('error', () => {})
    plain.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await ended
    expect((await sendWith()(`${server.urls.gateway}/health`)).status).toBe(200)
  })
})

describe('a start is refused in one sentence', () => {
  const place = folder()
  afterAll(() => place.remove())
  const own = serverCertificate()
  const file = (name: string, text: string) => {
    writeFileSync(`${place.path}/${name}`, text)
    return `${place.path}/${name}`
  }
  const now = Date.now()
  const read = (tls_cert: string | null, tls_key: string | null) => () => readTlsIdentity({ tls_cert, tls_key }, now)

  test('where a file is missing, empty, expired, or does not belong to the other', () => {
    const [cert, key] = [file('own.pem', own.pem), file('own.key', own.key)]
    expect(read(cert, key)()).toEqual({ cert: own.pem, key: own.key })
    expect(read(null, null)()).toBe(null)
    expect(read(cert, null)).toThrow('KEYHALL_TLS_CERT and KEYHALL_TLS_KEY go together: set both, or neither.')
    expect(read(null, key)).toThrow('go together')
    expect(read(`${place.path}/none`, key)).toThrow(
      `KEYHALL_TLS_CERT names ${place.path}/none, which cannot be read: ENOENT.`,
    )
    expect(read(key, key)).toThrow(`There is no certificate in PEM in ${key}.`)
    expect(read(cert, cert)).toThrow(`There is no private key in PEM without a passphrase in ${cert}.`)
    const other = file('other.key', serverCertificate().key)
    expect(read(cert, other)).toThrow(`The key in ${other} does not belong to the first certificate in ${cert}.`)
    const old = makeCertificate({ name: 'old', from: 1_000_000_000, until: 1_100_000_000 })
    const [oldCert, oldKey] = [file('old.pem', old.pem), file('old.key', old.key)]
    expect(read(oldCert, oldKey)).toThrow(
      `The certificate in ${oldCert} expired on 2004-11-09T11:33:20.000Z; get a new one.`,
    )
    rmSync(key)
    expect(read(cert, key)).toThrow('KEYHALL_TLS_KEY names')
  })

  test('where a header would be believed and no proxy stands in front', async () => {
    const started = startGateway('sqlite', null, { KEYHALL_CLIENT_CERT_HEADER: 'client-cert' })
    expect(await refusal(started)).toContain('set KEYHALL_TRUSTED_PROXIES to how many there are')
  })

  test('where the port is taken', async () => {
    const taken = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } })
    const settings = tlsSettings(place.path)
    const started = startGateway('sqlite', null, { ...settings, KEYHALL_PORT: String(taken.port) }, sendWith())
    expect(await refusal(started)).toContain(`Port ${taken.port} on 127.0.0.1 is taken`)
    taken.stop()
  })
})
