/** The headers in which clients send their key, and that there is never more than one key. */
import { describe, expect, test } from 'bun:test'
import { AzureOpenAI } from 'openai'
import { body, hostileGateway } from './hostile.ts'
import { ADMIN_KEY } from './setup.ts'

describe('a key', () => {
  const { server, upstream, post, ask, expectOurs } = hostileGateway()

  /** The same request with other headers in the place of `Authorization`. */
  const shown = (...headers: string[]) =>
    post('/v1/chat/completions', headers).replace(/Authorization: .*\r\n/, headers.length > 0 ? '' : '$&')
  const verified = (...headers: string[]) =>
    ask(['GET /verify HTTP/1.1', 'Host: keyhall.test', ...headers, '', ''].join('\r\n'))
  const key = () => server().key
  const other = () => key().replace(/.$/, (last) => (last === 'a' ? 'b' : 'a'))

  test('opens the gateway and /verify in each header that clients use', async () => {
    for (const header of [
      `api-key: ${key()}`,
      `x-api-key: ${key()}`,
      `Authorization: Bearer ${key()}`,
      `Authorization: Bearer  ${key()}`,
      `authorization: bearer   ${key()}`,
    ]) {
      const { status, sent } = await ask(shown(header))
      expect({ header, status }).toEqual({ header, status: 200 })
      expect(sent).toMatchObject([{ body }])
      expectOurs(sent[0]!)
      expect((await verified(header)).status).toBe(200)
    }
  })

  test('may be sent in two headers at once, and does not go on to the upstream in either', async () => {
    const headers = [`api-key: ${key()}`, `x-api-key: ${key()}`, `Authorization: Bearer ${key()}`]
    const { status, sent } = await ask(shown(...headers))
    expect(status).toBe(200)
    expectOurs(sent[0]!)
    expect(JSON.stringify(sent)).not.toContain(key())
    expect((await verified(...headers)).status).toBe(200)
  })

  const refused: Record<string, [headers: () => string[], status: number]> = {
    'two keys in two headers': [() => [`api-key: ${key()}`, `x-api-key: ${other()}`], 400],
    'two keys, the bad one first': [() => [`Authorization: Bearer ${other()}`, `x-api-key: ${key()}`], 400],
    'two keys, the good one first': [() => [`Authorization: Bearer ${key()}`, `api-key: ${other()}`], 400],
    'another scheme beside a key': [() => [`Authorization: Basic ${key()}`, `api-key: ${key()}`], 400],
    'an empty scheme beside a key': [() => ['Authorization: Bearer', `x-api-key: ${key()}`], 400],
    'the key with more before it': [() => [`Authorization: Bearer x${key()}`, `api-key: ${key()}`], 400],
    'api-key twice': [() => [`api-key: ${key()}`, `api-key: ${key()}`], 401],
    'x-api-key twice': [() => [`x-api-key: ${key()}`, `x-api-key: ${key()}`], 401],
    'api-key with a scheme': [() => [`api-key: Bearer ${key()}`], 401],
    'an empty api-key': [() => ['api-key:'], 401],
    'an unknown key': [() => [`x-api-key: ${other()}`], 401],
    'an admin key': [() => [`x-api-key: ${ADMIN_KEY}`], 403],
    'a header of another name': [() => [`x_api_key: ${key()}`], 401],
  }
  for (const [name, [headers, status]] of Object.entries(refused))
    test(`is refused with ${status} as ${name}, at the gateway and at /verify`, async () => {
      const { answer, sent } = await ask(shown(...headers()))
      expect(answer).toStartWith(`HTTP/1.1 ${status} `)
      expect(sent).toEqual([])
      const asked = await verified(...headers())
      expect(asked.answer).toStartWith(`HTTP/1.1 ${status} `)
      for (const secret of [key(), other(), ADMIN_KEY]) expect(answer + asked.answer).not.toContain(secret)
      expect(/www-authenticate: Bearer\r\n/i.test(answer)).toBe(status === 401)
    })

  test('that is missing is asked for with WWW-Authenticate, also by administration', async () => {
    for (const path of ['/v1/models', '/v1/organization/projects', '/v1/nowhere', '/verify']) {
      const { status, answer } = await ask(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
      expect(status).toBe(401)
      expect(answer).toMatch(/\r\nwww-authenticate: Bearer\r\n/i)
    }
  })

  test('of the client class for Azure opens the gateway', async () => {
    const baseURL = `http://127.0.0.1:${server().port}/v1`
    const client = new AzureOpenAI({ baseURL, apiKey: key(), apiVersion: '2024-10-21', maxRetries: 0 })
    expect((await client.models.list()).data.map(({ id }) => id)).toContain('tiny')
    await client.responses.create({ model: 'tiny', input: 'Hello' })
    const { headers, path } = upstream().sent.at(-1)!
    expect(path).toBe('/v1/responses?api-version=2024-10-21')
    expect(JSON.stringify(headers)).not.toContain(key())
    const stranger = new AzureOpenAI({ baseURL, apiKey: other(), apiVersion: '2024-10-21', maxRetries: 0 })
    expect(
      await stranger.models.list().then(
        () => 200,
        (error) => (error as { status: number }).status,
      ),
    ).toBe(401)
  })

  test('stands in no line of the log', () => {
    const log = JSON.stringify(server().log())
    expect(log).toContain('/v1/chat/completions')
    for (const secret of [key(), other(), ADMIN_KEY]) expect(log).not.toContain(secret.slice(-20))
  })
})
