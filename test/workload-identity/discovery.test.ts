/**
 * The keys of an issuer by discovery: which documents are believed, and how often they are asked
 * for.
 */
import { afterEach, beforeAll, expect, test } from 'bun:test'
import { engines, startServer, type TestServer } from '../setup.ts'
import { exchange, newSigner, sign, startIssuer, trust, type Issuer, type Signer } from './issuer.ts'

let signer: Signer
let newer: Signer
beforeAll(async () => {
  signer = await newSigner('one')
  newer = await newSigner('two')
})

const opened: (() => unknown)[] = []
afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close()
})

async function begin(engine: 'sqlite' | 'postgres', signers: Signer[], { isAllowed = true } = {}) {
  const issuer = startIssuer(signers)
  opened.push(issuer.stop)
  const server = await startServer(engine, { issuerHosts: isAllowed ? [issuer.host] : [] })
  opened.push(server.stop)
  return { issuer, server }
}

const trusting = (server: TestServer, issuer: Issuer, provider: object = {}) =>
  trust(server, { issuer: issuer.url, ...provider }, { attribute_matchers: { sub: 'job' } })

for (const engine of engines) {
  test(`keys are found, remembered, and asked for again at most every ten seconds (${engine})`, async () => {
    const signers = [signer]
    const { issuer, server } = await begin(engine, signers)
    const made = await trusting(server, issuer)
    const statusOf = async (by: Signer) => (await exchange(server, made, await sign(by, { iss: issuer.url }))).status
    let now = 0
    server.world.steady = () => now
    expect([await statusOf(signer), await statusOf(signer)]).toEqual([200, 200])
    expect(issuer.asked['/keys']).toBe(1)
    for (let n = 0; n < 5; n++) expect(await statusOf(newer)).toBe(400)
    expect(issuer.asked['/keys']).toBe(1)
    signers.push(newer)
    now += 10_000
    expect(await statusOf(newer)).toBe(200)
    expect(issuer.asked['/keys']).toBe(2)
  })

  test(`known keys hold for an hour while the issuer does not answer (${engine})`, async () => {
    const { issuer, server } = await begin(engine, [signer])
    const made = await trusting(server, issuer)
    let now = 0
    server.world.steady = () => now
    const again = async () => (await exchange(server, made, await sign(signer, { iss: issuer.url }))).status
    expect(await again()).toBe(200)
    issuer.pages['/keys'] = () => new Response('down', { status: 500 })
    now += 30 * 60_000
    expect(await again()).toBe(200)
    now += 31 * 60_000
    expect(await again()).toBe(503)
  })

  test(`keys from before a sleep are asked for again, because the steady clock stood still (${engine})`, async () => {
    const signers = [signer]
    const { issuer, server } = await begin(engine, signers)
    const made = await trusting(server, issuer)
    server.world.steady = () => 0
    const exp = Math.floor(Date.now() / 1000) + 8 * 3600
    const statusOf = async (by: Signer) =>
      (await exchange(server, made, await sign(by, { iss: issuer.url, exp }))).status
    expect(await statusOf(signer)).toBe(200)
    signers.splice(0, 1, newer)
    server.world.ahead = 11 * 60
    expect([await statusOf(signer), await statusOf(newer)]).toEqual([400, 200])
    issuer.pages['/keys'] = () => new Response('down', { status: 500 })
    server.world.ahead += 30 * 60
    expect(await statusOf(newer)).toBe(200)
    server.world.ahead += 31 * 60
    expect(await statusOf(newer)).toBe(503)
  })

  test(`keys are as old as the question for them, also when the answer came after a sleep (${engine})`, async () => {
    const signers = [signer]
    const { issuer, server } = await begin(engine, signers)
    const made = await trusting(server, issuer)
    let now = 0
    server.world.steady = () => now
    issuer.pages['/keys'] = () => {
      server.world.ahead = 11 * 60
      now += 11 * 60_000
      return Response.json({ keys: signers.map(({ jwk }) => jwk) })
    }
    const exp = Math.floor(Date.now() / 1000) + 3600
    const again = async () => (await exchange(server, made, await sign(signer, { iss: issuer.url, exp }))).status
    expect(await again()).toBe(200)
    expect(await again()).toBe(200)
    expect(issuer.asked['/keys']).toBe(2)
  })

  test(`keys from before a sleep are not used when the question for newer ones fails after it (${engine})`, async () => {
    const { issuer, server } = await begin(engine, [signer])
    const made = await trusting(server, issuer)
    let now = 0
    server.world.steady = () => now
    const exp = Math.floor(Date.now() / 1000) + 8 * 3600
    const again = async () => (await exchange(server, made, await sign(signer, { iss: issuer.url, exp }))).status
    expect(await again()).toBe(200)
    server.world.ahead = 11 * 60
    now += 11 * 60_000
    issuer.pages['/keys'] = () => {
      server.world.ahead += 2 * 3600
      return new Response('down', { status: 500 })
    }
    expect(await again()).toBe(503)
  })

  const elsewhere: [name: string, page: string, answer: (url: string) => Response, says: string][] = [
    [
      'of another issuer',
      '/.well-known/openid-configuration',
      (url) => Response.json({ issuer: 'https://evil.example.com', jwks_uri: `${url}/keys` }),
      'is the document of another issuer',
    ],
    [
      'that points to a private address',
      '/.well-known/openid-configuration',
      (url) => Response.json({ issuer: url, jwks_uri: 'https://169.254.169.254/keys' }),
      'the address of 169.254.169.254 is not public',
    ],
    [
      'that points to plain http elsewhere',
      '/.well-known/openid-configuration',
      (url) => Response.json({ issuer: url, jwks_uri: 'http://keys.example.com/keys' }),
      'it must begin with https://',
    ],
    [
      'that redirects',
      '/.well-known/openid-configuration',
      (url) => Response.redirect(`${url}/elsewhere`, 302),
      'answered 302',
    ],
    ['that is no JSON', '/.well-known/openid-configuration', () => new Response('<html>'), 'did not answer JSON'],
    [
      'without an address of keys',
      '/.well-known/openid-configuration',
      (url) => Response.json({ issuer: url }),
      'names no jwks_uri',
    ],
    ['whose keys are no key set', '/keys', () => Response.json([]), 'is no key set'],
    ['with keys without end', '/keys', () => new Response('a'.repeat(300_000)), 'more than 262144 bytes'],
    [
      'with too many keys',
      '/keys',
      () => Response.json({ keys: Array.from({ length: 101 }, () => ({ kty: 'RSA', kid: 'one' })) }),
      'is no key set',
    ],
  ]
  test(`a discovery document that cannot be believed opens nothing, and says why (${engine})`, async () => {
    const { issuer, server } = await begin(engine, [signer])
    issuer.pages['/elsewhere'] = issuer.pages['/.well-known/openid-configuration']!
    const good = { ...issuer.pages }
    let now = 0
    server.world.steady = () => now
    for (const [name, page, answer, says] of elsewhere) {
      now += 3_600_000
      issuer.pages = { ...good, [page]: () => answer(issuer.url) }
      const made = await trusting(server, issuer)
      const { status, body } = await exchange(server, made, await sign(signer, { iss: issuer.url }))
      expect({ name, status, error: body.error }).toEqual({ name, status: 503, error: 'temporarily_unavailable' })
      expect(body.error_description).toContain(says)
    }
  })

  test(`private addresses and http are for hosts that a setting names (${engine})`, async () => {
    const { issuer, server } = await begin(engine, [signer], { isAllowed: false })
    const refused = await trusting(server, issuer).then(
      () => '',
      (error: Error) => error.message,
    )
    expect(refused).toContain('must begin with https://')
    const overTls = issuer.url.replace('http:', 'https:')
    const made = await trust(server, { issuer: overTls }, { attribute_matchers: { sub: 'job' } })
    const { status, body } = await exchange(server, made, await sign(signer, { iss: overTls }))
    expect(status).toBe(503)
    expect(body.error_description).toContain('is not public')
    expect(issuer.asked).toEqual({})
  })

  test(`a name that resolves to a private address is not connected to (${engine})`, async () => {
    const { server } = await begin(engine, [signer], { isAllowed: false })
    const sent: string[] = []
    server.world.addressesOf = async () => ['93.184.215.14', '10.0.0.7']
    server.world.fetch = async (url) => {
      sent.push(url)
      return new Response(null, { status: 404 })
    }
    const made = await trust(server, { issuer: 'https://rebind.example.com' }, { attribute_matchers: { sub: 'job' } })
    const token = await sign(signer, { iss: 'https://rebind.example.com' })
    expect((await exchange(server, made, token)).status).toBe(503)
    expect(sent).toEqual([])
  })

  test(`the connection goes to the address that was looked at, for the name (${engine})`, async () => {
    const { server } = await begin(engine, [signer], { isAllowed: false })
    const sent: unknown[] = []
    server.world.addressesOf = async () => ['93.184.215.14']
    server.world.fetch = async (url, init) => {
      const { headers, redirect, tls } = init as { headers: Record<string, string>; redirect: string; tls: object }
      sent.push([url, headers.host, redirect, tls])
      return new Response(null, { status: 404 })
    }
    const made = await trust(server, { issuer: 'https://oidc.example.com' }, { attribute_matchers: { sub: 'job' } })
    await exchange(server, made, await sign(signer, { iss: 'https://oidc.example.com' }))
    const url = 'https://93.184.215.14/.well-known/openid-configuration'
    expect(sent).toEqual([[url, 'oidc.example.com', 'manual', { serverName: 'oidc.example.com' }]])
  })
}
