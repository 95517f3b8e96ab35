/** The page behind the link of an invitation. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { createHash } from 'node:crypto'
import { chromium, openTab } from './chromium.ts'
import { newInvite, newInviteToken } from './made.ts'
import { startServer, type TestServer } from './setup.ts'

// A browser takes its time to start.
setDefaultTimeout(60_000)

let server: TestServer
let socket: Bun.Server<undefined>
beforeAll(async () => {
  server = await startServer('sqlite')
  socket = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch(request) {
      // As behind a proxy that serves it below a path.
      const { pathname, search } = new URL(request.url)
      return server.fetch(new Request(`http://keyhall.test${pathname.replace(/^\/team\//, '/')}${search}`, request))
    },
  })
})
afterAll(async () => {
  await socket.stop(true)
  await server.stop()
})

const page = () => server.fetch(new Request('http://keyhall.test/invites/accept'))

test('loads nothing from elsewhere, runs only its own script, and can be framed by nobody', async () => {
  const response = await page()
  const text = await response.text()
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(response.headers.get('cache-control')).toBe('no-store')
  expect(response.headers.get('referrer-policy')).toBe('no-referrer')
  expect(text).not.toMatch(/https?:|src=|href=/)
  const hash = (tag: string) => {
    const inside = new RegExp(`<${tag}>(.*)</${tag}>`, 's').exec(text)![1]!
    return `'sha256-${createHash('sha256').update(inside).digest('base64')}'`
  }
  expect(response.headers.get('content-security-policy')!.split('; ')).toEqual([
    "default-src 'none'",
    `script-src ${hash('script')}`,
    `style-src ${hash('style')}`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ])
})

test('opening it uses nothing up and is logged without a token', async () => {
  const { id } = await newInvite(server)
  const token = await newInviteToken(server, id)
  await server.events()
  await page()
  expect(await server.events()).toEqual({})
  expect(server.log.at(-1)).toMatchObject({ path: '/invites/accept', status: 200 })
  expect(JSON.stringify(server.log)).not.toContain(token)
})

if (!chromium) console.log('NOT TESTED: the page in a browser, because no Chromium was found (TEST_CHROMIUM names one)')

describe.skipIf(!chromium)('in Chromium', () => {
  const join = (name: string) => `(async () => {
    document.querySelector('input').value = ${JSON.stringify(name)}
    document.querySelector('button').click()
    const outcome = document.querySelector('#outcome')
    while (!outcome.textContent) await new Promise((resolve) => setTimeout(resolve, 20))
    return outcome.textContent
  })()`

  for (const below of ['', 'team/'])
    test(`joins with the name given, and says why a used link does not, at /${below}`, async () => {
      const { id } = await newInvite(server, { email: `browser${below.length}@example.com` })
      const url = `${socket.url}${below}invites/accept#${await newInviteToken(server, id)}`
      const tab = await openTab(url)
      try {
        expect(await tab.evaluate('getComputedStyle(document.body).maxWidth')).not.toBe('none')
        expect(await tab.evaluate(join('<i>Ann</i>'))).toStartWith('Welcome, <i>Ann</i>. You joined as browser')
        expect(await tab.evaluate('document.forms[0].hidden')).toBe(true)
        expect(tab.complaints).toEqual([])
      } finally {
        await tab.close()
      }
      expect((await server.client.admin.organization.invites.retrieve(id)).status).toBe('accepted')
      const again = await openTab(url)
      try {
        expect(await again.evaluate(join('Bob'))).toContain('This invitation is not open')
        expect(await again.evaluate('document.forms[0].hidden')).toBe(false)
      } finally {
        await again.close()
      }
    })

  test('says that a link without its end is not whole', async () => {
    const tab = await openTab(`${socket.url}invites/accept`)
    try {
      expect(await tab.evaluate('document.querySelector("#outcome").textContent')).toContain('not whole')
    } finally {
      await tab.close()
    }
  })
})
