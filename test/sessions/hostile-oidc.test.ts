/**
 * What must not sign anybody in: changed, replayed and foreign answers, keys, clocks, and outages.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { decodeJwt, decodeProtectedHeader, SignJWT, UnsecuredJWT } from 'jose'
import { readReturnPath } from '../../admin/oidc/return-path.ts'
import { addPerson, engines, pageOrigin, START_MILLISECONDS, startServer, type TestServer } from '../setup.ts'
import { newSigner } from '../workload-identity/issuer.ts'
import { Agent, sentenceOf, startOpenIdIssuer, type OpenIdIssuer, type Seen } from './openid-issuer.ts'

type Tamper = (token: string) => Promise<string> | string

for (const engine of engines)
  describe(`hostile answers (${engine})`, () => {
    let issuer: OpenIdIssuer
    let server: TestServer
    let tamper: Tamper | null = null
    /** Says of each address what is asked there. */
    let asked: string[] = []

    /** Stands between Keyhall and the issuer. */
    const send: TestServer['world']['fetch'] = async (url, init) => {
      asked.push(url)
      const response = await fetch(url, init)
      if (!tamper || !url.endsWith('/token')) return response
      const body = (await response.json()) as { id_token: string }
      return Response.json({ ...body, id_token: await tamper(body.id_token) })
    }

    beforeAll(async () => {
      issuer = await startOpenIdIssuer({ inToken: true })
      server = await startServer(engine, { oidc: issuer.settings(), issuerHosts: [issuer.host], send })
      await addPerson(server, { id: 'user-ann', email: 'ann@example.com' })
      issuer.people.ann = { email: 'ann@example.com', email_verified: true }
    }, START_MILLISECONDS)
    afterAll(async () => {
      issuer.stop()
      await server.stop()
    })
    beforeEach(() => {
      tamper = null
      asked = []
      // Ten failures a minute are the most.
      server.context.signIns.begin = () => () => {}
    })

    const refused = (agent: Agent, seen: Seen, sentence: string) => {
      expect({ said: sentenceOf(seen), session: agent.session }).toEqual({
        said: expect.stringContaining(sentence),
        session: null,
      })
      expect(seen.status).toBeGreaterThanOrEqual(400)
    }

    const signedAnew =
      (change: (claims: Record<string, unknown>) => object, header: object = {}): Tamper =>
      (token) =>
        new SignJWT({ ...decodeJwt(token), ...change(decodeJwt(token)) })
          .setProtectedHeader({ ...decodeProtectedHeader(token), alg: 'RS256', ...header })
          .sign(issuer.signer.privateKey)

    test('a token that is signed anew as it was signs in, so that the others fail for what they change', async () => {
      tamper = signedAnew(() => ({}))
      const agent = new Agent(server)
      expect((await agent.signIn('ann')).status).toBe(200)
      expect(agent.session).not.toBeNull()
    })

    const now = () => Math.floor(Date.now() / 1000)
    const changes: Record<string, Tamper> = {
      'another nonce': signedAnew(() => ({ nonce: 'another' })),
      'no nonce': signedAnew(() => ({ nonce: undefined })),
      'another audience': signedAnew(() => ({ aud: 'another-client' })),
      'another issuer': signedAnew(() => ({ iss: 'https://accounts.example.com' })),
      'no subject': signedAnew(() => ({ sub: undefined })),
      'a subject without an end': signedAnew(() => ({ sub: 'a'.repeat(256) })),
      'a time that is over': signedAnew(() => ({ iat: now() - 4000, exp: now() - 120 })),
      'a time that is still to come': signedAnew(() => ({ iat: now() + 120, nbf: now() + 120 })),
      'a changed claim under the old signature': (token) => {
        const [head, , signature] = token.split('.')
        const changed = { ...decodeJwt(token), sub: 'owner' }
        return [head, Buffer.from(JSON.stringify(changed)).toString('base64url'), signature].join('.')
      },
      'no signature': (token) => new UnsecuredJWT({ ...decodeJwt(token) }).encode(),
      'a key that the issuer does not publish': async (token) =>
        new SignJWT(decodeJwt(token))
          .setProtectedHeader({ ...decodeProtectedHeader(token), alg: 'RS256' })
          .sign((await newSigner('first', 'RS256')).privateKey),
      'its public key as a shared secret': (token) =>
        new SignJWT(decodeJwt(token))
          .setProtectedHeader({ alg: 'HS256', kid: 'first' })
          .sign(new TextEncoder().encode(JSON.stringify(issuer.signer.jwk))),
      'no token at all': () => undefined as never,
    }
    for (const [what, change] of Object.entries(changes))
      test(`refuses an ID token with ${what}`, async () => {
        await server.events()
        tamper = change
        const agent = new Agent(server)
        refused(agent, await agent.signIn('ann'), 'The answer of the identity provider was not accepted (')
        expect(await server.events()).toEqual({ 'login.failed': 1 })
      })

    test('allows a clock that is half a minute off', async () => {
      for (const skew of [-25, 25]) {
        tamper = signedAnew(() => ({ iat: now() + skew, nbf: now() + skew, exp: now() + skew }))
        const agent = new Agent(server)
        expect((await agent.signIn('ann')).status).toBe(200)
      }
    })

    test('refuses another state, and another browser with the right one', async () => {
      const agent = new Agent(server)
      const callback = new URL(await agent.callbackOf('ann'))
      refused(new Agent(server), await new Agent(server).ask(callback.href), 'begun in another browser')
      const other = new Agent(server)
      await other.ask(`${pageOrigin}/console/oidc/start`)
      refused(other, await other.ask(callback.href), 'begun in another browser')
      callback.searchParams.set('state', 'another')
      refused(agent, await agent.ask(callback.href), 'begun in another browser')
      expect(asked.filter((url) => url.endsWith('/token'))).toEqual([])
    })

    test('refuses a callback that was used, also with the cookie that it had', async () => {
      const agent = new Agent(server)
      const callback = await agent.callbackOf('ann')
      const begun = new Map(agent.cookies.get(pageOrigin))
      expect((await agent.ask(callback)).status).toBe(200)
      agent.cookies.set(pageOrigin, new Map())
      refused(agent, await agent.ask(callback), 'begun in another browser')
      agent.cookies.set(pageOrigin, new Map(begun))
      refused(agent, await agent.ask(callback), 'did not sign you in: invalid_grant')
    })

    test('refuses a code with the cookie of another sign-in of the same browser', async () => {
      const agent = new Agent(server)
      const first = new URL(await agent.callbackOf('ann'))
      const second = new URL(await agent.callbackOf('ann'))
      second.searchParams.set('code', first.searchParams.get('code')!)
      refused(agent, await agent.ask(second.href), 'did not sign you in: invalid_grant')
    })

    test('refuses a cookie that was changed, made elsewhere, or is ten minutes old', async () => {
      const agent = new Agent(server)
      const callback = await agent.callbackOf('ann')
      const kept = agent.cookies.get(pageOrigin)!
      const sealed = kept.get('__Host-keyhall-oidc')!
      const other = sealed.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'))
      for (const value of [other.replace(/\.(.)/g, '.A'), 'x', '', sealed.split('.').slice(0, 4).join('.')]) {
        kept.set('__Host-keyhall-oidc', value)
        refused(agent, await agent.ask(callback), 'begun in another browser')
      }
      kept.set('__Host-keyhall-oidc', sealed)
      server.world.ahead += 601
      refused(agent, await agent.ask(callback), 'more than ten minutes ago')
      server.world.ahead -= 601
    })

    test('says what the issuer answered, as text, where the person did not agree', async () => {
      const agent = new Agent(server)
      const callback = new URL(await agent.callbackOf('ann'))
      callback.searchParams.delete('code')
      callback.searchParams.set('error', '<script>alert(1)</script>')
      refused(agent, await agent.ask(callback.href), '&lt;script&gt;')
    })

    test('a HEAD or a POST begins and ends nothing', async () => {
      for (const method of ['HEAD', 'POST', 'PUT'])
        for (const step of ['start', 'callback?code=x&state=y']) {
          const response = await server.fetch(new Request(`${pageOrigin}/console/oidc/${step}`, { method }))
          expect(response.status).toBe(405)
        }
    })

    for (const to of [
      '//evil.example',
      '/\\evil.example',
      '/console/\\evil.example',
      'https://evil.example/console/',
      'HTTPS:evil.example',
      '/console/../oauth/token',
      '/console/%2e%2e/v1',
      '/console/..%2f..//evil.example/..',
      '/console',
      '/consoles/',
      '/console/oidc/start',
      '/console/\n/evil.example',
      '/console/\t',
      'javascript:alert(1)',
      '\u0000/console/',
    ])
      test(`is sent to no other place: ${JSON.stringify(to)}`, async () => {
        const agent = new Agent(server)
        const seen = await agent.ask(`${pageOrigin}/console/oidc/start?return_to=${encodeURIComponent(to)}`)
        const led = seen.headers.get('location')
        if (to.includes('%2f') && led) {
          // A path of the console for every browser, however odd.
          const done = await agent.signIn('ann', to)
          expect(/url=([^"]+)"/.exec(done.text)?.[1]).toStartWith('../')
          return
        }
        expect({ status: seen.status, led }).toEqual({ status: 400, led: null })
        expect(sentenceOf(seen)).toContain('return_to')
      })

    test('a new key of the issuer is known at once', async () => {
      await issuer.rotate()
      const agent = new Agent(server)
      expect((await agent.signIn('ann')).status).toBe(200)
      expect(asked.filter((url) => url.endsWith('openid-configuration'))).toEqual([])
    })

    test('an issuer that is down costs a sentence, and is asked again the next time', async () => {
      const agent = new Agent(server)
      const callback = await agent.callbackOf('ann')
      issuer.isDown = true
      const seen = await agent.ask(callback)
      refused(agent, seen, 'The identity provider cannot be reached at the moment.')
      expect(seen.status).toBe(503)
      issuer.isDown = false
      expect((await new Agent(server).signIn('ann')).status).toBe(200)
    })
  })

test('a server starts while its issuer is down, and signs people in when it is back', async () => {
  const issuer = await startOpenIdIssuer()
  issuer.isDown = true
  issuer.people.own = { email: 'owner@example.com', email_verified: true }
  const server = await startServer('sqlite', { oidc: issuer.settings(), issuerHosts: [issuer.host] })
  try {
    const seen = await new Agent(server).ask(`${pageOrigin}/console/oidc/start`)
    expect({ status: seen.status, said: sentenceOf(seen) }).toMatchObject({ status: 503 })
    expect(server.log.at(-1)).toMatchObject({ operation: 'oidc.start', status: 503 })
    issuer.isDown = false
    expect((await new Agent(server).signIn('own')).status).toBe(200)
  } finally {
    issuer.stop()
    await server.stop()
  }
})

test('asks no issuer with a private address that KEYHALL_ISSUER_HOSTS does not name, nor follows a redirect', async () => {
  const issuer = await startOpenIdIssuer()
  const settings = issuer.settings()
  const secure = { ...settings, issuer: settings.issuer.replace('http:', 'https:') }
  for (const [oidc, hosts, why] of [
    [settings, [], 'must begin with https://'],
    [secure, [], 'KEYHALL_ISSUER_HOSTS can allow the host'],
  ] as const) {
    const server = await startServer('sqlite', { oidc, issuerHosts: hosts })
    expect((await new Agent(server).ask(`${pageOrigin}/console/oidc/start`)).status).toBe(503)
    expect(String(server.log.at(-1)!.cause)).toContain(why)
    await server.stop()
  }
  const moved = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => Response.redirect(`${issuer.url}/x`) })
  const away = { ...settings, issuer: `http://127.0.0.1:${moved.port}` }
  const server = await startServer('sqlite', { oidc: away, issuerHosts: [`127.0.0.1:${moved.port}`, issuer.host] })
  expect((await new Agent(server).ask(`${pageOrigin}/console/oidc/start`)).status).toBe(503)
  await server.stop()
  await moved.stop(true)
  issuer.stop()
})

test('below the path of a proxy the way there and back has that path', () => {
  expect(readReturnPath('/team/console/keys?a#b', '/team')).toBe('/console/keys?a#b')
  expect(readReturnPath('/console/keys', '/team')).toBe('/console/keys')
  expect(readReturnPath(null, '/team')).toBe('/console/')
  for (const [text, prefix] of [
    ['/team/console/keys', ''],
    ['/team//evil.example/console/', '/team'],
    ['/teams/console/', '/team'],
  ] as const)
    expect(() => readReturnPath(text, prefix)).toThrow('return_to')
})

test('there is nothing to begin where no issuer is set, or the connection is not safe', async () => {
  const issuer = await startOpenIdIssuer()
  const without = await startServer('sqlite')
  const unsafe = await startServer('sqlite', {
    oidc: issuer.settings(),
    issuerHosts: [issuer.host],
    originsOf: () => [],
  })
  const methods = async (server: TestServer) =>
    (await server.fetch(new Request('http://keyhall.test/console/sign-in-methods.json'))).json()
  const start = async (server: TestServer) =>
    (await server.fetch(new Request('http://keyhall.test/console/oidc/start'))).status
  expect(await methods(without)).toMatchObject({ oidc: false, oidc_name: null })
  expect(await start(without)).toBe(404)
  expect(await methods(unsafe)).toMatchObject({ oidc: false })
  expect(await start(unsafe)).toBe(403)
  await Promise.all([without.stop(), unsafe.stop()])
  issuer.stop()
})
