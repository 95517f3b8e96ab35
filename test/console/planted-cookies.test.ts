/**
 * Cookies that somebody else put into a browser before a person signs in there: none of them is the
 * session afterwards.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { BrowserContext, Page } from 'playwright-core'
import { pageOrigins } from '../../server/page-origins.ts'
import { fromBrowser, signInAs } from '../sessions/pages.ts'
import { serverCertificate } from '../tls.ts'
import { openBeside, startAttacker, type Attacker } from './attacker.ts'
import { expectGoodLooks, inConsole } from './browser.ts'
import { newPerson } from './people.ts'

let attacker: Attacker
beforeAll(() => void (attacker = startAttacker()))
afterAll(() => attacker.stop())

const TOKEN = 'planted'.padEnd(43, '0')

/** Cookies know no ports, so a page of another server on this machine sets them for this one. */
async function plant(page: Page, ...cookies: string[]) {
  const evil = await openBeside(page, attacker.sameSite)
  await evil.evaluate((all) => all.forEach((cookie) => (document.cookie = cookie)), cookies)
  await evil.close()
}

async function signIn(page: Page, admin_key: string) {
  await page.getByLabel('Admin key').fill(admin_key)
  await page.keyboard.press('Enter')
}

const valuesOf = async (context: BrowserContext, url: string) =>
  (await context.cookies(`${url}/v1/organization/me`)).map(({ name, value }) => [name, value])

inConsole(
  'a cookie that was planted before somebody signs in',
  (console) => {
    test('is replaced by the session', async () => {
      const { server, url, open } = console()
      const page = await open('/sessions')
      await plant(page, `keyhall=${TOKEN}; path=/`)
      await page.reload()
      await signIn(page, server.admin_key)
      await page.getByRole('table').waitFor()
      const cookies = await valuesOf(page.context(), url)
      expect(cookies).toEqual([['keyhall', expect.not.stringContaining(TOKEN)]])
      expect((await fromBrowser(server, `keyhall=${TOKEN}`, 'GET', '/organization/me')).status).toBe(401)
    })

    test('for a part of the addresses is refused, and the page says what to do', async () => {
      const { server, url, open } = console()
      const mallory = await signInAs(server, await newPerson(server, { name: 'Mallory' }))
      const page = await open('/sessions')
      await plant(page, `keyhall=${mallory.split('=')[1]}; path=/v1/organization`)
      await signIn(page, server.admin_key)
      await page.getByText('Delete the cookies of this address').waitFor()
      expect(await page.textContent('body')).not.toContain('Mallory')
      await expectGoodLooks(page)
      expect(await valuesOf(page.context(), url)).toHaveLength(2)
      await page.context().clearCookies()
      await page.getByRole('button', { name: 'Try again' }).click()
      await signIn(page, server.admin_key)
      await page.getByRole('table').waitFor()
      expect(await page.locator('.who').textContent()).toContain('Owner')
    })

    test('over plain http is nothing to a server with https', async () => {
      const { server, open } = console()
      const { pem: cert, key } = serverCertificate()
      const proxy = Bun.serve({
        port: 0,
        hostname: '127.0.0.1',
        tls: { cert, key },
        fetch(request) {
          request.headers.set('x-forwarded-proto', 'https')
          return server.fetch(request)
        },
      })
      const url = `https://127.0.0.1:${proxy.port}`
      const context = await (await open('/')).context().browser()!.newContext({ ignoreHTTPSErrors: true })
      const page = await context.newPage()
      const mallory = await signInAs(server, await newPerson(server, { name: 'Mallory' }))
      const token = mallory.split('=')[1]
      await plant(page, `keyhall=${token}; path=/`, `__Host-keyhall=${token}; path=/`, `keyhall=${TOKEN}; path=/v1`)
      await page.goto(`${url}/console/sessions`)
      await signIn(page, server.admin_key)
      await page.getByRole('table').waitFor()
      expect(await page.locator('.who').textContent()).toContain('Owner')
      const cookies = await valuesOf(context, url)
      // What was planted is sent, and not looked at; the name of the session could not be planted.
      expect(cookies.filter(([name]) => name === 'keyhall')).toHaveLength(2)
      expect(cookies.filter(([name]) => name === '__Host-keyhall')).toEqual([
        ['__Host-keyhall', expect.not.stringContaining(token!)],
      ])
      await context.close()
      await proxy.stop(true)
    })
  },
  async () => ({ settings: { originsOf: pageOrigins({ public_url: null, trusted_proxies: 1, hasTls: false }) } }),
)
