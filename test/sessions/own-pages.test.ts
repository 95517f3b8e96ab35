/** Only pages of the server itself can use a session, and only administration looks at cookies. */
import { beforeAll, expect, test } from 'bun:test'
import { operations } from '../../contract/index.ts'
import { newServiceAccount } from '../made.ts'
import { recipe } from '../recipes.ts'
import { fromPage, onBothEngines, pageOrigin, startServer, type TestServer } from '../setup.ts'
import { call } from '../uniform/each.ts'
import { fromBrowser, signIn } from './pages.ts'

/** What a request lacks or has that does not come from a page of the server. */
const foreign: Record<string, Record<string, string | null>> = {
  'a page of another site': { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
  'a page of another host of the same site': { 'sec-fetch-site': 'same-site', origin: 'https://other.keyhall.test' },
  'an address that was typed or clicked': { 'sec-fetch-site': 'none', origin: null },
  'an old browser': { 'sec-fetch-site': null },
  'another origin': { origin: 'https://keyhall.test.evil.example' },
  'another port': { origin: `${pageOrigin}:8443` },
  'no encryption': { origin: 'http://keyhall.test' },
  'a sandboxed page': { origin: 'null' },
  'a form, which cannot send the header': { 'x-keyhall-console': null },
  'another value of the header': { 'x-keyhall-console': 'true' },
}

onBothEngines('a session', (server) => {
  let cookie: string
  beforeAll(async () => {
    cookie = await signIn(server())
  })

  for (const [what, headers] of Object.entries(foreign))
    test(`does nothing for ${what}`, async () => {
      const body = { name: 'Forged' }
      await server().events()
      for (const [method, path, sent] of [
        ['POST', '/organization/projects', body],
        ['GET', '/organization/users', undefined],
        ['DELETE', '/organization/sessions/current', undefined],
      ] as const) {
        // Browsers leave Origin out where a page reads from its own server.
        const answer = await fromBrowser(server(), cookie, method, path, sent, headers)
        expect([method, answer.status, answer.json.error?.code]).toEqual([method, 403, 'not_from_own_page'])
      }
      const signing = { admin_key: server().admin_key }
      const answer = await fromBrowser(server(), null, 'POST', '/organization/sessions', signing, headers)
      expect([answer.status, answer.cookie, answer.json.error?.code]).toEqual([403, null, 'not_from_own_page'])
      expect(await server().events()).toEqual({})
    })

  test('needs no Origin to read, and needs it to change', async () => {
    const read = await fromBrowser(server(), cookie, 'GET', '/organization/me', undefined, { origin: null })
    expect(read.status).toBe(200)
    const changed = await fromBrowser(
      server(),
      cookie,
      'POST',
      '/organization/projects',
      { name: 'x' },
      { origin: null },
    )
    expect(changed.status).toBe(403)
  })

  test('beside a key is refused by every operation', async () => {
    await server().events()
    for (const { name, operation } of operations.filter((one) => one.operation.can !== null)) {
      const ready = await recipe(name).prepare(server())
      await server().events()
      const answer = await call(server(), operation, ready, { headers: { ...fromPage, cookie } })
      expect([name, answer.status, answer.json.error.code]).toEqual([name, 400, 'two_credentials'])
      expect(await server().events()).toEqual({})
    }
  })

  test('that comes twice, was cut, or has another name is none', async () => {
    const token = cookie.split('=')[1]!
    for (const sent of [
      `${cookie}; ${cookie}`,
      `${cookie}x`,
      cookie.slice(0, -1),
      `__Host-keyhall=${'a'.repeat(43)}`,
      `__Host-keyhall=%`,
      `keyhall=${token}`,
      `__host-keyhall=${token}`,
      `x__Host-keyhall=${token}`,
    ])
      expect([sent.length, (await fromBrowser(server(), sent, 'GET', '/organization/me')).status]).toEqual([
        sent.length,
        401,
      ])
    const beside = `theme=dark; ${cookie}; other=1`
    expect((await fromBrowser(server(), beside, 'GET', '/organization/me')).status).toBe(200)
  })

  test('is nothing to the gateway and to /verify, alone and beside a key', async () => {
    const { api_key } = await newServiceAccount(server())
    const ask = async (path: string, headers: Record<string, string>) =>
      (await server().fetch(new Request(`http://keyhall.test${path}`, { headers: { ...fromPage, ...headers } }))).status
    for (const path of ['/verify', '/v1/models']) {
      expect([path, await ask(path, { cookie })]).toEqual([path, 401])
      const authorization = `Bearer ${api_key.value}`
      expect([path, await ask(path, { cookie, authorization })]).toEqual([path, await ask(path, { authorization })])
    }
  })

  test('is opened to no other origin by CORS', async () => {
    for (const [method, headers] of [
      ['OPTIONS', { 'access-control-request-method': 'GET', 'access-control-request-headers': 'x-keyhall-console' }],
      ['GET', { cookie, 'sec-fetch-site': 'cross-site', 'x-keyhall-console': '1' }],
    ] as const) {
      const request = new Request('http://keyhall.test/v1/organization/me', {
        method,
        headers: { origin: 'https://evil.example', ...headers },
      })
      const { headers: answered, status } = await server().fetch(request)
      expect(status).toBeGreaterThanOrEqual(400)
      expect([...answered.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
    }
  })

  test('an unknown path is one for somebody signed in, and a 401 for everybody else', async () => {
    expect((await fromBrowser(server(), cookie, 'GET', '/organization/unheard_of')).status).toBe(404)
    expect((await fromBrowser(server(), null, 'GET', '/organization/unheard_of')).status).toBe(401)
  })
})

test('without encryption, beyond this machine, signing in is refused with what would help', async () => {
  const server: TestServer = await startServer('sqlite', { originsOf: () => [] })
  const signing = await fromBrowser(server, null, 'POST', '/organization/sessions', { admin_key: server.admin_key })
  expect(signing).toMatchObject({ status: 403, cookie: null, json: { error: { code: 'https_required' } } })
  expect(signing.json.error.message).toContain('KEYHALL_PUBLIC_URL')
  await server.stop()
})
