/**
 * Paths outside `/v1`: those that the file names are forwarded, and nothing that resembles them.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { wrongPath } from '../../gateway/outside-paths.ts'
import { folder, run } from '../cli/command.ts'
import { engines, START_MILLISECONDS } from '../setup.ts'
import { ADMIN_KEY, raw, startGateway, until, type GatewayServer } from './setup.ts'
import { SECRET, startUpstream, type FakeUpstream } from './upstream.ts'

for (const engine of engines)
  describe(`a path outside /v1 (${engine})`, () => {
    let upstream: FakeUpstream
    let other: FakeUpstream
    let server: GatewayServer
    const file = (paths: string) => `
upstreams:
  - { name: near, base_url: "${upstream.url}", models: [tiny, priced], api_key: "\${KEY}", default: true }
  - { name: other, base_url: "${other.url.replace(/v1$/, 'api')}", models: [elsewhere] }
models:
  - { match: priced, prices: [{ input: 1000, output: 2000 }], max_output_tokens: 50, context_tokens: 100 }
paths: ${paths}
`
    beforeAll(async () => {
      upstream = startUpstream()
      other = startUpstream('other')
      server = await startGateway(engine, file('[/tokenize, /props, /completion, /slots/0, /chat/completions]'), {
        KEY: SECRET,
      })
    }, START_MILLISECONDS)
    afterAll(async () => {
      await server.stop()
      await Promise.all([upstream.stop(), other.stop()])
    })

    async function ask(method: string, path: string, { key = server.key, body = '' } = {}) {
      const before = upstream.sent.length
      const type = body === '' ? '' : 'Content-Type: application/json\r\n'
      const answer = await raw(
        server.port,
        `${method} ${path} HTTP/1.1\r\nHost: keyhall.test\r\nAuthorization: Bearer ${key}\r\n${type}Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
        5_000,
      )
      return { status: Number(answer.slice(9, 12)), answer, sent: upstream.sent.slice(before) }
    }
    const tiny = '{"model":"tiny","prompt":"Hello"}'

    test('that the file names goes to the root of the upstream, with the key of the upstream', async () => {
      for (const [method, path, sentTo, body] of [
        ['POST', '/tokenize', '/tokenize', tiny],
        ['POST', '/tokenize?add=1', '/tokenize?add=1', tiny],
        ['POST', '/tokenize/', '/tokenize', tiny],
        ['GET', '/props', '/props', ''],
        ['GET', '/slots/0', '/slots/0', ''],
        ['PUT', '/props', '/props', '{}'],
      ] as const) {
        const { status, sent } = await ask(method, path, { body })
        expect({ path, status }).toEqual({ path, status: 200 })
        expect(sent).toMatchObject([{ method, path: sentTo, body, headers: { authorization: `Bearer ${SECRET}` } }])
      }
      const head = await ask('HEAD', '/props')
      expect(head).toMatchObject({ status: 200, sent: [{ method: 'GET', path: '/props' }] })
      expect(head.answer).toMatch(/content-length: [1-9]/i)
    })

    test('goes to the upstream of its model, also to one whose address has no /v1', async () => {
      const answer = await ask('POST', '/tokenize', { body: '{"model":"elsewhere"}' })
      expect(answer).toMatchObject({ status: 200, sent: [] })
      expect(other.sent.at(-1)!.path).toBe('/api/tokenize')
      expect((await ask('POST', '/tokenize', { body: '{"model":"none"}' })).status).toBe(404)
    })

    for (const path of [
      '//tokenize',
      '///tokenize',
      '/tokenize//',
      '/Tokenize',
      '/TOKENIZE',
      '/%74okenize',
      '/tokenize%2f',
      '/%2ftokenize',
      '/tokenize%00',
      '/tokenize;x=1',
      '/tokenize/x',
      '/x/%2e%2e/%2ftokenize',
      '/x//../tokenize',
      '/\\tokenize',
      '/tokenize\\\\',
      '/tokeniz',
      '/tokenizer',
      '/slots%2f0',
      '/slots//0',
      '/slots',
      '/detokenize',
      '/v1/v1/tokenize',
    ])
      test(`${path} is no such path, and a 404`, async () => {
        const { status, sent } = await ask('POST', path, { body: tiny })
        expect({ status, sent }).toEqual({ status: 404, sent: [] })
      })

    test('needs a key that may use models, and its headers are checked', async () => {
      expect(await ask('POST', '/tokenize', { key: 'sk-proj-wrong', body: tiny })).toMatchObject({
        status: 401,
        sent: [],
      })
      expect(await ask('POST', '/tokenize', { key: ADMIN_KEY, body: tiny })).toMatchObject({ status: 403, sent: [] })
      const { serviceAccounts } = server.admin.admin.organization.projects
      const { id } = await serviceAccounts.create(server.project_id, { name: 'reader' })
      const made = await serviceAccounts.apiKeys.create(id, {
        project_id: server.project_id,
        scopes: ['api.model.read'],
      })
      for (const method of ['GET', 'POST'])
        expect(await ask(method, '/props', { key: made.value })).toMatchObject({ status: 403, sent: [] })
      expect(await ask('POST', `/tokenize?key=${server.key}`, { body: tiny })).toMatchObject({ status: 401, sent: [] })
      expect(await ask('TRACE', '/tokenize')).toMatchObject({ sent: [] })
    })

    test('is under model permissions', async () => {
      const { modelPermissions } = server.admin.admin.organization.projects
      await modelPermissions.update(server.project_id, { mode: 'deny_list', model_ids: ['tiny'] })
      expect(await ask('POST', '/tokenize', { body: tiny })).toMatchObject({ status: 403, sent: [] })
      await modelPermissions.delete(server.project_id)
    })

    test('that generates is under spend limits: /completion, and what is metered below /v1', async () => {
      const { spendLimit } = server.admin.admin.organization.projects
      const body = '{"model":"priced","prompt":"Hello","n_predict":-1}'
      expect((await ask('POST', '/completion', { body })).status).toBe(200)
      await spendLimit.update(server.project_id, { threshold_amount: 100, currency: 'USD', interval: 'month' })
      // Without a limit of its own, the maximum of the model is set.
      for (const length of ['-1', '""', '" "'])
        expect(await ask('POST', '/completion', { body: body.replace('-1', length) })).toMatchObject({
          status: 200,
          sent: [{ body: body.replace('-1', '50') }],
        })
      expect(await ask('POST', '/completion', { body: '{"prompt":"Hello"}' })).toMatchObject({ status: 400, sent: [] })
      await spendLimit.update(server.project_id, { threshold_amount: 1, currency: 'USD', interval: 'month' })
      for (let n = 0; n < 20; n++) await ask('POST', '/completion', { body })
      for (const path of ['/completion', '/chat/completions'])
        expect(await ask('POST', path, { body })).toMatchObject({ status: 429, sent: [] })
      await spendLimit.delete(server.project_id)
    }, 120_000)

    test('is forwarded or not as the file says that was read last', async () => {
      server.write(file('[/detokenize]'))
      server.reload()
      let status = 404
      while (status === 404) ({ status } = await ask('POST', '/detokenize', { body: tiny }))
      expect(status).toBe(200)
      expect((await ask('POST', '/tokenize', { body: tiny })).status).toBe(404)
      await until(() => server.log().some((line) => line.path === '/detokenize' && line.upstream === 'near'))
    })
  })

test('is a 404 where nothing is configured', async () => {
  const upstream = startUpstream()
  const server = await startGateway('sqlite', null, { KEYHALL_UPSTREAM: upstream.url })
  const headers = { authorization: `Bearer ${server.key}` }
  for (const path of ['/tokenize', '/props', '/completion'])
    expect((await fetch(server.url + path, { method: 'POST', headers, body: '{}' })).status).toBe(404)
  expect(upstream.sent).toEqual([])
  await server.stop()
  await upstream.stop()
})

test('what is wrong with a list of paths is said by line and column', async () => {
  const home = folder()
  const file = `${home.path}/keyhall.yaml`
  writeFileSync(
    file,
    `upstreams: [{ name: one, base_url: "http://127.0.0.1:1/v1" }]
paths:
  - /tokenize
  - tokenize
  - /tokenize
  - /to//kenize
  - /x/../tokenize
  - /tokenize/
  - /%74okenize
  - "/v1/x"
  - /Health
  - 7
`,
  )
  const { code, err } = await run(['config', 'check', file])
  expect(code).toBe(2)
  const segments =
    'must be segments of letters, digits, "-", "_", "." and "~", with one slash before each and none at the end.'
  expect(err.replaceAll(`${file}:`, '').trimEnd().split('\n')).toEqual([
    '4:5: paths[1] must begin with a slash, such as "/tokenize".',
    '6:5: paths[3] ' + segments,
    '7:5: paths[4] ' + segments,
    '8:5: paths[5] ' + segments,
    '9:5: paths[6] ' + segments,
    '10:5: paths[7] must not be below "/v1", which Keyhall answers or forwards itself.',
    '11:5: paths[8] must not be below "/Health", which Keyhall answers or forwards itself.',
    '12:5: paths[9] must be text; put it in quotes.',
  ])
  writeFileSync(file, 'upstreams: [{ name: one, base_url: "http://127.0.0.1:1/v1" }]\npaths: [/a, /b, /a]\n')
  expect((await run(['config', 'check', file])).err).toBe(`${file}:2:17: "/a" is in the list twice.\n`)
  for (const path of ['/', '', '/verify', '/metrics/x', '/openapi.json', '/Console/x', '/a b', '/a?b', '/a#b', '/ä'])
    expect(wrongPath(path)).not.toBeNull()
  for (const path of ['/tokenize', '/apply-template', '/lora-adapters', '/slots/0', '/v2/rerank'])
    expect(wrongPath(path)).toBeNull()
  home.remove()
})
