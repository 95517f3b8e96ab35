/** What is answered where the base URL of a client, or the protocol, is not right. */
import { describe, expect, test } from 'bun:test'
import { body, hostileGateway } from './hostile.ts'
import { ADMIN_KEY, startGateway } from './setup.ts'

describe('a request', () => {
  const { server, lines, post, ask } = hostileGateway()

  test('with one slash at its end is forwarded without it', async () => {
    for (const [asked, sentTo] of [
      ['/v1/chat/completions/', '/v1/chat/completions'],
      ['/v1/chat/completions/?a=1', '/v1/chat/completions?a=1'],
    ]) {
      const { status, sent } = await ask(post(asked!))
      expect(status).toBe(200)
      expect(sent).toMatchObject([{ path: sentTo, body }])
    }
    for (const path of ['/v1/models/', '/v1/models/tiny/'])
      expect((await ask(lines(`GET ${path} HTTP/1.1`, []))).status).toBe(200)
    for (const path of ['/v1/chat/completions//', '/v1/chat/completions/%2f', '/v1/', '/v1//'])
      expect(await ask(post(path))).toMatchObject({ status: 404, sent: [] })
  })

  test('with /v1 twice is a 404 that says so, to whoever has a key', async () => {
    for (const path of ['/v1/v1/chat/completions', '/v1/V1/models', '/v1/%761/messages', '/v1/v1']) {
      const { answer, sent } = await ask(post(path))
      expect(answer).toStartWith('HTTP/1.1 404 ')
      if (!path.includes('%')) expect(answer).toContain('has \\"/v1\\" twice')
      expect(sent).toEqual([])
      expect((await ask(post(path).replace(server().key, 'sk-proj-wrong'))).status).toBe(401)
    }
  })

  test('without /v1 is a 404 that says what the base URL is', async () => {
    const own = await startGateway('sqlite', null, { KEYHALL_GATEWAY_PORT: '0' })
    for (const address of [`http://127.0.0.1:${server().port}`, own.urls.gateway!, own.urls.admin!])
      for (const path of ['/chat/completions', '/models', '/messages', '/organization/projects']) {
        const answer = await fetch(address + path, {
          method: 'POST',
          headers: { authorization: `Bearer ${ADMIN_KEY}` },
        })
        expect(answer.status).toBe(404)
        expect(await answer.text()).toContain('with \\"/v1\\" at its end')
      }
    const unknown = await fetch(`${own.urls.gateway}/favicon.ico`)
    expect(await unknown.text()).not.toContain('base URL')
    await own.stop()
  }, 20_000)

  test('of a browser for / gets a page that can load and run nothing, and a program a 404', async () => {
    const own = await startGateway('sqlite', null, { KEYHALL_GATEWAY_PORT: '0' })
    for (const address of [`http://127.0.0.1:${server().port}/`, `${own.urls.gateway}/`, `${own.urls.admin}/`]) {
      const page = await fetch(address, { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } })
      expect(page.status).toBe(200)
      expect(page.headers.get('content-type')).toStartWith('text/html')
      expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
      expect(page.headers.get('x-content-type-options')).toBe('nosniff')
      expect(page.headers.get('cache-control')).toBe('no-store')
      expect(await page.text()).toContain('<code>/v1</code>')
      const program = await fetch(address)
      expect(program.status).toBe(404)
      expect(program.headers.get('content-type')).toBe('application/json')
    }
    await own.stop()
  }, 20_000)

  test('to become a WebSocket is a 426 where there is none, and is never forwarded', async () => {
    for (const upgrade of ['websocket', 'WebSocket', 'h2c, websocket'])
      for (const path of ['/v1/responses', '/v1/chat/completions', '/v1/models', '/v1/nowhere']) {
        const headers = [`Upgrade: ${upgrade}`, 'Connection: Upgrade', 'Sec-WebSocket-Version: 13']
        const bytes = lines(`GET ${path} HTTP/1.1`, [...headers, 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='])
        const { answer, sent } = await ask(bytes)
        expect(answer).toStartWith('HTTP/1.1 426 ')
        expect(answer).toContain('"code":"websocket_not_supported"')
        expect(sent).toEqual([])
        expect((await ask(bytes.replace(server().key, 'sk-proj-wrong'))).status).toBe(401)
      }
  })
})
