/** Signing in to the console at an identity provider: a real one, on another site. */
import { expect, test } from 'bun:test'
import type { Page } from 'playwright-core'
import { startOpenIdIssuer, type OpenIdIssuer } from '../sessions/openid-issuer.ts'
import { uniqueEmail } from '../made.ts'
import { expectGoodLooks, inConsole } from './browser.ts'
import { newPerson } from './people.ts'

let issuer: OpenIdIssuer
/** Whether the provider goes away when a code is to be exchanged. */
let goesAway = false

/** Somebody with an account at the provider. */
function newAccount(account: string) {
  const email = uniqueEmail()
  issuer.people[account] = { email, email_verified: true, name: account }
  return email
}

/** Signs in at the provider, up to where it sends the browser. */
async function proveAtProvider(page: Page, account: string) {
  await page.locator('[name=login]').fill(account)
  await page.locator('[name=password]').fill('any')
  await page.locator('button[type=submit]').click()
  await page.locator('[name=prompt][value=consent]').waitFor({ state: 'attached' })
  await page.locator('button[type=submit]').click()
}

inConsole(
  'signing in at an identity provider',
  (console) => {
    const button = (page: Page) => page.getByRole('link', { name: 'Sign in with Acme & <Sons>', exact: true })

    // The first test, because later the server knows where the provider wants browsers to go.
    test('a provider that cannot be reached is said in words, and may be back a moment later', async () => {
      const { open } = console()
      const page = await open('/')
      issuer.isDown = true
      await button(page).click()
      await page.getByRole('heading', { name: 'Signing in failed' }).waitFor()
      issuer.isDown = false
      expect(await page.getByRole('alert').textContent()).toContain('cannot be reached at the moment')
      await expectGoodLooks(page)
      await page.getByRole('link', { name: 'Back to signing in' }).click()
      await button(page).click()
      await page.locator('[name=login]').waitFor()
    })

    test('the button has its name, and leads back to the page that was asked for', async () => {
      const { server, url, open } = console()
      await newPerson(server, { name: 'Ann', email: newAccount('ann'), role: 'reader' })
      const page = await open('/sessions?from=a-link')
      await button(page).waitFor()
      await expectGoodLooks(page)
      await button(page).click()
      await proveAtProvider(page, 'ann')
      await page.getByRole('heading', { name: 'Sessions', level: 1 }).waitFor()
      expect(page.url()).toBe(`${url}/console/sessions?from=a-link`)
      expect(await page.locator('.who').textContent()).toContain('Ann')
      const own = page.getByRole('row').filter({ hasText: 'This one' })
      expect(await own.textContent()).toContain('Identity provider')
    })

    test('who is not invited is told so, and can go back to try as somebody else', async () => {
      const { url, open } = console()
      const email = newAccount('eve')
      const page = await open('/my-keys')
      await button(page).click()
      await proveAtProvider(page, 'eve')
      await page.getByRole('heading', { name: 'Signing in failed' }).waitFor()
      expect(await page.getByRole('alert').textContent()).toContain(`Nobody has invited ${email} yet`)
      await expectGoodLooks(page)
      expect(await page.context().cookies(url)).toEqual([])
      await page.getByRole('link', { name: 'Back to signing in' }).click()
      await button(page).waitFor()
    })

    test('who says no at the provider is told so', async () => {
      const { open } = console()
      const page = await open('/')
      await button(page).click()
      await page.getByRole('link', { name: 'Cancel' }).click()
      await page.getByRole('heading', { name: 'Signing in failed' }).waitFor()
      expect(await page.getByRole('alert').textContent()).toContain('did not sign you in: access_denied')
    })

    test('a provider that goes away meanwhile is said in words, and the admin key still signs in', async () => {
      const { server, open } = console()
      newAccount('ben')
      const page = await open('/sessions')
      await button(page).click()
      goesAway = true
      await proveAtProvider(page, 'ben')
      await page.getByRole('heading', { name: 'Signing in failed' }).waitFor()
      goesAway = issuer.isDown = false
      expect(await page.getByRole('alert').textContent()).toContain('cannot be reached at the moment')
      await expectGoodLooks(page)
      await page.getByRole('link', { name: 'Back to signing in' }).click()
      await page.getByLabel('Admin key').fill(server.admin_key)
      await page.keyboard.press('Enter')
      await page.locator('.who').waitFor()
    })

    const elsewhere = [
      '//evil.example',
      '/\\evil.example',
      '\\\\evil.example',
      'https://evil.example/console/',
      'https:evil.example',
      'javascript:alert(1)',
      'data:text/html,<script>alert(1)</script>',
      '/console/..//evil.example',
      '/console/%2e%2e//evil.example',
      '/console/\\..\\..\\evil.example',
      '/console/keys\r\nlocation: https://evil.example',
      '/console/\u0000keys',
      '/console/oidc/start',
      '/v1/organization/me',
    ]
    test('no address leads elsewhere after signing in', async () => {
      const { url, open } = console()
      const page = await open('/')
      for (const return_to of elsewhere) {
        const answer = await page.goto(`${url}/console/oidc/start?return_to=${encodeURIComponent(return_to)}`)
        expect([return_to, answer!.status(), page.url().startsWith(`${url}/console/oidc/start?`)]).toEqual([
          return_to,
          400,
          true,
        ])
        expect(await page.getByRole('alert').textContent()).toContain("Invalid 'return_to'")
      }
    })

    test('a page below a path that looks like another host leads back to itself', async () => {
      const { server, url, open } = console()
      await newPerson(server, { name: 'Cleo', email: newAccount('cleo') })
      const path = '//evil.example/%2f%2fevil.example/%5cevil.example?to=//evil.example'
      const page = await open(path)
      await button(page).click()
      await proveAtProvider(page, 'cleo')
      await page.getByRole('heading', { name: 'There is no such page' }).waitFor()
      expect(page.url()).toBe(`${url}/console${path}`)
    })
  },
  async (url) => {
    issuer = await startOpenIdIssuer({ name: 'localhost', redirect_uri: `${url}/console/oidc/callback` })
    const settings = {
      oidc: issuer.settings({ name: 'Acme & <Sons>' }),
      issuerHosts: [issuer.host],
      send: (address: string, init?: RequestInit) => {
        if (goesAway && address.endsWith('/token')) issuer.isDown = true
        return fetch(address, init)
      },
    }
    return { settings, others: [issuer.url], stop: issuer.stop }
  },
)
