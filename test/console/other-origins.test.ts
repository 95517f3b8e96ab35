/**
 * Pages of others, open in the browser of somebody who is signed in: they can neither act as that
 * person, nor frame a page, nor read anything.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Page } from 'playwright-core'
import { until } from '../gateway/setup.ts'
import { newAdminKey } from '../made.ts'
import type { TestServer } from '../setup.ts'
import { openBeside, startAttacker, waysToCall, type Attacker, type Forged } from './attacker.ts'
import { inConsole } from './browser.ts'

let attacker: Attacker
beforeAll(() => void (attacker = startAttacker()))
afterAll(() => attacker.stop())

/** Calls in one of the ways; what the server has answered to each request that it makes. */
async function answersTo({ log }: TestServer, way: string, evil: Page, forged: Forged) {
  const { call, sends } = waysToCall[way]!
  const methods = sends(forged.method)
  const before = log.length
  const seen = () => log.slice(before).filter(({ path }) => path.startsWith('/v1/'))
  await call(evil, forged)
  await until(() => seen().length >= methods.length)
  expect([way, forged.method, seen().map(({ method }) => method)]).toEqual([way, forged.method, methods])
  return seen().map(({ status }) => status)
}

inConsole('pages of others', (console) => {
  const sites = {
    // The browser sends the cookie there, so that the server must refuse it.
    'the same site': { address: () => attacker.sameSite, refusal: 403 },
    'another site': { address: () => attacker.crossSite, refusal: 401 },
  }
  for (const [site, { address, refusal }] of Object.entries(sites))
    test(`of ${site} can call nothing as the person who is signed in`, async () => {
      const { server, url, open } = console()
      const page = await open('/sessions', { as: server.owner_id })
      await page.getByRole('table').waitFor()
      const evil = await openBeside(page, address())
      await server.events()
      const targets = [
        { method: 'POST', address: `${url}/v1/organization/projects`, body: '{"name":"Forged"}' },
        { method: 'GET', address: `${url}/v1/organization/users` },
        { method: 'DELETE', address: `${url}/v1/organization/sessions/current` },
      ]
      for (const way of Object.keys(waysToCall))
        for (const target of targets) {
          if (way === 'a form' && target.method === 'DELETE') continue
          const statuses = await answersTo(server, way, evil, target)
          expect([way, target.method, statuses.filter((status) => status < 400)]).toEqual([way, target.method, []])
          if (way === 'a form' || way === 'a fetch without CORS')
            for (const status of statuses) expect([way, status]).toEqual([way, refusal])
        }
      await evil.goto(`${url}/v1/organization/users`)
      expect(await evil.textContent('body')).not.toContain('owner@example.com')
      expect(await server.events()).toEqual({})
      await page.getByRole('link', { name: 'My keys' }).click()
      await page.getByRole('heading', { name: 'My keys' }).waitFor()
      expect(await page.locator('.who').textContent()).toContain('Owner')
    })

  test('sign nobody in as somebody else', async () => {
    const { server, url, open } = console()
    const { value } = await newAdminKey(server)
    const page = await open('/sessions')
    const evil = await openBeside(page, attacker.sameSite)
    await server.events()
    for (const way of ['a form', 'a fetch without CORS', 'a fetch with the header', 'a beacon'])
      await answersTo(server, way, evil, {
        method: 'POST',
        address: `${url}/v1/organization/sessions`,
        body: JSON.stringify({ admin_key: value }),
      })
    expect(await page.context().cookies(url)).toEqual([])
    expect(await server.events()).toEqual({})
  })

  const framed = [
    '/console/',
    '/console/my-keys',
    '/console/sign-in#token=x',
    '/invites/accept#x',
    '/console/oidc/start',
  ]
  async function frameIn(page: Page, address: string) {
    await page.evaluate(
      (src) =>
        new Promise((resolve) => {
          const frame = document.createElement('iframe')
          frame.addEventListener('load', resolve)
          frame.src = src
          document.body.append(frame)
        }),
      address,
    )
    return page.frames().at(-1)!
  }

  test('frame no page, nor does a page of the server itself', async () => {
    const { server, url, open } = console()
    const page = await open('/my-keys', { as: server.owner_id })
    for (const from of [attacker.sameSite, attacker.crossSite, `${url}/openapi.json`]) {
      const around = await openBeside(page, from)
      for (const path of framed) {
        const frame = await frameIn(around, `${url}${path}`)
        const shown = await frame.evaluate(() => [
          location.origin,
          document.querySelectorAll('button, input, a').length,
        ])
        expect([from, path, frame.url(), ...shown]).toEqual([from, path, 'chrome-error://chromewebdata/', 'null', 0])
      }
      await around.close()
    }
  })

  test('neither keep hold of a window of the console, nor load its files', async () => {
    const { server, url, open } = console()
    const page = await open('/my-keys', { as: server.owner_id })
    for (const from of [attacker.sameSite, attacker.crossSite]) {
      const evil = await openBeside(page, from)
      const opening = page.context().waitForEvent('page')
      await evil.evaluate(
        (address) => void ((globalThis as any).opened = window.open(address)),
        `${url}/console/my-keys`,
      )
      const opened = await opening
      await opened.waitForSelector('h1')
      expect(await opened.evaluate(() => window.opener)).toBeNull()
      expect(await evil.evaluate(() => (globalThis as any).opened.closed)).toBe(true)
      const script = await page
        .locator('script[src]')
        .first()
        .evaluate((one: any) => one.src)
      const loads = (src: string) =>
        new Promise((resolve) => {
          const element = Object.assign(document.createElement('script'), { src })
          element.addEventListener('load', () => resolve('loaded'))
          element.addEventListener('error', () => resolve('refused'))
          document.head.append(element)
        })
      expect(await evil.evaluate(loads, script)).toBe('refused')
    }
  })
})
