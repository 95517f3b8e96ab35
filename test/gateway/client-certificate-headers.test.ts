/**
 * Client certificates that a proxy passes on: each form of the header, who is believed, and a real
 * nginx.
 */
import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeAuthority, makeCertificate, type MadeCertificate } from '../certificates.ts'
import { folder } from '../cli/command.ts'
import { hasNginx, startNginx } from '../nginx.ts'
import { engines } from '../setup.ts'
import { sendWith, serverCertificate, tlsSettings, type Shown } from '../tls.ts'
import { chainsOf } from './client-chains.ts'
import { startGateway, type GatewayServer } from './setup.ts'
import { startUpstream, type FakeUpstream } from './upstream.ts'

setDefaultTimeout(60_000)

const authority = makeAuthority({ name: 'Clients' })
const client = makeCertificate({ name: 'client', by: authority })
const stranger = makeCertificate({ name: 'stranger' })

/** How proxies write a certificate, and those behind it. */
const forms: Record<
  string,
  (shown: { der: Buffer; pem: string }, behind?: MadeCertificate[]) => Record<string, string>
> = {
  'client-cert': ({ der }, behind = []) => ({
    'client-cert': `:${der.toString('base64')}:`,
    ...(behind.length > 0 && {
      'client-cert-chain': behind.map((one) => `:${one.der.toString('base64')}:`).join(', '),
    }),
  }),
  'x-ssl-client-cert': ({ pem }) => ({ 'x-ssl-client-cert': encodeURIComponent(pem) }),
  'x-forwarded-client-cert': ({ pem }, behind = []) => ({
    'x-forwarded-client-cert': `By=spiffe://a;Hash=00;Cert="${encodeURIComponent(pem)}";Subject="CN=\\"a\\", O=b;c";${
      behind.length > 0 ? `Chain="${encodeURIComponent([pem, ...behind.map((one) => one.pem)].join(''))}";` : ''
    }URI=spiffe://b`,
  }),
}
const takesChains = (form: string) => form !== 'x-ssl-client-cert'

async function start(
  engine: 'sqlite' | 'postgres',
  settings: Record<string, string>,
  send?: ReturnType<typeof sendWith>,
) {
  const upstream = startUpstream()
  const yaml = `upstreams: [{ name: near, base_url: "${upstream.url}" }]`
  const server = await startGateway(engine, yaml, { KEYHALL_TRUSTED_PROXIES: '1', ...settings }, send)
  const { certificates, projects } = server.admin.admin.organization
  const { id } = await certificates.create({ certificate: authority.pem })
  await projects.certificates.activate(server.project_id, { certificate_ids: [id] })
  return { upstream, server }
}

/** The code of the refusal; 200 for none, and what it is called that nginx itself answers. */
const codeOf = async (response: Response) => {
  if (response.status === 200) return 200
  const text = await response.text()
  if (text.includes('<center>nginx')) return 'refused by nginx'
  return (JSON.parse(text) as { error: { code: string } }).error.code
}

for (const engine of engines)
  for (const form of Object.keys(forms))
    describe(`client certificates in ${form} (${engine})`, () => {
      let upstream: FakeUpstream
      let server: GatewayServer
      beforeAll(async () => {
        ;({ upstream, server } = await start(engine, { KEYHALL_CLIENT_CERT_HEADER: form }))
      })
      afterAll(async () => {
        await server.stop()
        await upstream.stop()
      })
      afterEach(() => void (upstream.sent.length = 0))

      const body = { model: 'm', messages: [] }
      const chat = async (headers: Record<string, string>) =>
        codeOf(await server.request('POST', '/chat/completions', body, headers))
      const verify = async (headers: Record<string, string>) => {
        const all = { authorization: `Bearer ${server.key}`, ...headers }
        return codeOf(await fetch(`${server.urls.gateway}/verify`, { headers: all }))
      }

      test('opens the gateway and /verify, and is not passed on to the model server', async () => {
        const headers = forms[form]!(client)
        expect([await chat(headers), await verify(headers)]).toEqual([200, 200])
        expect(upstream.sent).toHaveLength(1)
        expect(Object.keys(upstream.sent[0]!.headers).filter((name) => name.includes('cert'))).toEqual([])
        const empty = form === 'client-cert' ? '::' : ''
        for (const none of [{}, { [form]: empty }])
          expect([await chat(none), await verify(none)]).toEqual(['mutual_tls_required', 'mutual_tls_required'])
      })

      test('other headers say nothing, and those that disagree change nothing', async () => {
        for (const other of Object.keys(forms).filter((name) => name !== form)) {
          expect(await chat(forms[other]!(client))).toBe('mutual_tls_required')
          expect(await chat({ ...forms[other]!(client), ...forms[form]!(stranger) })).toBe('invalid_client_certificate')
          expect(await chat({ ...forms[other]!(stranger), ...forms[form]!(client) })).toBe(200)
        }
      })

      for (const { name, shown, behind, says } of chainsOf(authority))
        if (behind.length === 0 || takesChains(form))
          test(`${says === null ? 'takes' : 'refuses'} one ${name}`, async () => {
            expect(await chat(forms[form]!(shown, behind))).toBe(says === null ? 200 : 'invalid_client_certificate')
          })

      test('what is written in another way is refused', async () => {
        const value = forms[form]!(client)[form]!
        const isEnvoys = form === 'x-forwarded-client-cert'
        const values = isEnvoys
          ? [`${value},By=x`, `${value};"`, `${value};Cert=x`, 'Cert=', value.replace('Cert="', 'Cert="x')]
          : [value.slice(0, -9), `${value}x`, `x${value}`]
        const twice = `${value}, ${forms[form]!(stranger)[form]}`
        const large = value.replace('MI', `MI${'A'.repeat(12_000)}`)
        for (const wrong of ['x', ':=:', ':AAAA:', `${value}, ${value}`, ...values, twice, large])
          expect([wrong.slice(0, 40), await chat({ [form]: wrong })]).toEqual([
            wrong.slice(0, 40),
            'invalid_client_certificate',
          ])
      })
    })

describe('a chain', () => {
  let upstream: FakeUpstream
  let server: GatewayServer
  beforeAll(async () => {
    ;({ upstream, server } = await start('sqlite', { KEYHALL_CLIENT_CERT_HEADER: 'x-forwarded-client-cert' }))
  })
  afterAll(async () => {
    await server.stop()
    await upstream.stop()
  })

  test('of Envoy that begins with another certificate is refused, and so are two of one name', async () => {
    const [own, other] = [client, stranger].map(({ pem }) => encodeURIComponent(pem))
    const ask = async (value: string) =>
      codeOf(await server.request('GET', '/models', undefined, { 'x-forwarded-client-cert': value }))
    expect(await ask(`Cert="${own}";Chain="${own}"`)).toBe(200)
    expect(await ask(`Chain="${own}"`)).toBe(200)
    for (const value of [
      `Cert="${own}";Chain="${other}"`,
      `Cert="${own}";Cert="${other}"`,
      `Cert="${other}";cert="${own}"`,
      'Hash=00',
    ])
      expect(await ask(value)).toBe('invalid_client_certificate')
  })
})

describe('a header from somebody else', () => {
  test('than the proxies is never believed, also over TLS', async () => {
    const place = folder()
    const settings = {
      KEYHALL_CLIENT_CERT_HEADER: 'client-cert',
      KEYHALL_CLIENT_CERT_PROXIES: '192.0.2.0/24,2001:db8::1',
      KEYHALL_TLS_CLIENT_CERTS: 'true',
    }
    for (const tls of [{}, tlsSettings(place.path)]) {
      const { upstream, server } = await start('sqlite', { ...settings, ...tls }, sendWith())
      const ask = (shown: Shown | null, headers: Record<string, string>) =>
        sendWith(shown)(`${server.urls.gateway}/v1/models`, {
          headers: { authorization: `Bearer ${server.key}`, ...headers },
        }).then(codeOf)
      const header = forms['client-cert']!(client)
      expect(await ask(null, header)).toBe('mutual_tls_required')
      expect(await ask(null, { ...header, 'x-forwarded-for': '192.0.2.1' })).toBe('mutual_tls_required')
      if ('KEYHALL_TLS_CERT' in tls) {
        expect(await ask(client, forms['client-cert']!(stranger))).toBe(200)
        expect(await ask(stranger, header)).toBe('invalid_client_certificate')
      }
      await server.stop()
      await upstream.stop()
    }
    place.remove()
  })

  test('and the certificate of the proxy itself is not that of its clients', async () => {
    const place = folder()
    const settings = { KEYHALL_CLIENT_CERT_HEADER: 'client-cert', KEYHALL_TLS_CLIENT_CERTS: 'true' }
    const { upstream, server } = await start('sqlite', { ...settings, ...tlsSettings(place.path) }, sendWith())
    const headers = { authorization: `Bearer ${server.key}` }
    const url = `${server.urls.gateway}/v1/models`
    expect(await codeOf(await sendWith(client)(url, { headers }))).toBe('mutual_tls_required')
    expect(
      await codeOf(await sendWith(client)(url, { headers: { ...headers, ...forms['client-cert']!(client) } })),
    ).toBe(200)
    await server.stop()
    await upstream.stop()
    place.remove()
  })
})

if (!hasNginx) console.log('SKIPPED: nginx is not installed, so client certificates through it are not tested')

describe.skipIf(!hasNginx)('client certificates through nginx with the configuration of the guide', () => {
  const place = folder()
  const guide = readFileSync(join(import.meta.dir, '../../docs/guides/tls.md'), 'utf8')
  let upstream: FakeUpstream
  let server: GatewayServer
  let nginx: Awaited<ReturnType<typeof startNginx>>
  let url = ''
  beforeAll(async () => {
    ;({ upstream, server } = await start('sqlite', { KEYHALL_CLIENT_CERT_HEADER: 'x-ssl-client-cert' }))
    const { pem, key } = serverCertificate()
    writeFileSync(`${place.path}/server.pem`, pem)
    writeFileSync(`${place.path}/server.key`, key)
    const block = guide
      .split('```nginx\n')[1]!
      .split('```')[0]!
      .replaceAll('/etc/ssl/keys.example.com.', `${place.path}/server.`)
      .replaceAll('127.0.0.1:4100', `127.0.0.1:${server.port}`)
    nginx = await startNginx(
      place.path,
      (port) => block.replace('listen 443', `listen 127.0.0.1:${port}`),
      (port) => sendWith()(`https://127.0.0.1:${port}/health`).then(Boolean),
    )
    url = `https://127.0.0.1:${nginx.port}`
  })
  afterAll(async () => {
    await nginx.stop()
    await server.stop()
    await upstream.stop()
    place.remove()
  })

  const ask = async (shown: Shown | null, headers: Record<string, string> = {}) =>
    codeOf(
      await sendWith(shown)(`${url}/v1/models`, { headers: { authorization: `Bearer ${server.key}`, ...headers } }),
    )

  test('are those of the handshake', async () => {
    expect(await ask(client)).toBe(200)
    expect(await ask(null)).toBe('mutual_tls_required')
    expect(await ask(stranger)).toBe('invalid_client_certificate')
  })

  test('a client smuggles none, in any of the headers', async () => {
    for (const form of Object.keys(forms)) {
      expect(await ask(null, forms[form]!(client))).toBe('mutual_tls_required')
      expect(await ask(stranger, forms[form]!(client))).toBe('invalid_client_certificate')
      const [name, value] = Object.entries(forms[form]!(client))[0]!
      expect(await ask(null, { [name.replaceAll('-', '_')]: value })).toBe('mutual_tls_required')
    }
  })

  for (const { name, shown, behind, says, isForHeaders } of chainsOf(authority))
    if (behind.length === 0 && !isForHeaders)
      test(`${says === null ? 'takes' : 'refuses'} one ${name}`, async () => {
        const isOutOfTime = says === 'has expired' || says === 'is not valid yet'
        const refusal = isOutOfTime ? 'refused by nginx' : 'invalid_client_certificate'
        expect(await ask(shown)).toBe(says === null ? 200 : refusal)
      })
})
