/** Signing in to the console and out again, as people do it. */
import { expect, test } from 'bun:test'
import { newPerson } from './people.ts'
import { expectGoodLooks, inConsole } from './browser.ts'

inConsole('signing in', (console) => {
  test('the admin key signs its owner in, at the page that was asked for, and is kept nowhere', async () => {
    const { server, open } = console()
    const page = await open('/sessions?from=a-link')
    expect(await page.textContent('h1')).toBe('Sign in to Keyhall')
    await expectGoodLooks(page)
    await page.getByLabel('Admin key').fill('sk-admin-of-somebody-else')
    await page.keyboard.press('Enter')
    expect(await page.getByRole('alert').textContent()).toContain('Signing in failed')
    expect(await page.getByLabel('Admin key').inputValue()).toBe('')
    await page.getByLabel('Admin key').fill(server.admin_key)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Sessions', level: 1 }).waitFor()
    expect(new URL(page.url()).search).toBe('?from=a-link')
    const kept = await page.evaluate(() =>
      JSON.stringify([
        document.documentElement.outerHTML,
        location.href,
        localStorage,
        sessionStorage,
        document.cookie,
      ]),
    )
    expect(kept).not.toContain(server.admin_key)
    expect(kept).toContain('owner@example.com')
  })

  test('a link that was asked for by mail signs in when its button is pressed, and only once', async () => {
    const { server, smtp, url, open } = console()
    const email = `link${Date.now()}@example.com`
    await newPerson(server, { name: 'Lena Link', email })
    const page = await open('/')
    await page.getByLabel('E-mail address').fill(email)
    await page.keyboard.press('Enter')
    await page.getByText('a link is on its way').waitFor()
    const [, link] = /(http\S+\/console\/sign-in#token=\w+)/.exec((await smtp.next()).text)!
    expect(link).toStartWith(url)
    // In the same tab only what stands behind # changes.
    await page.goto(link!)
    await page.getByText('Your link signs you in once').waitFor()
    expect(page.url()).toBe(`${url}/console/sign-in`)
    await expectGoodLooks(page)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByRole('heading', { name: 'My keys' }).waitFor()
    expect(await page.locator('.who').textContent()).toContain('Lena Link')
    // The link opens nothing more, also for somebody who is signed in.
    await page.goto('about:blank')
    await page.goto(link!)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    expect(await page.getByRole('alert').textContent()).toContain('Signing in failed')
    await page.getByRole('button', { name: 'Sign in another way' }).click()
    await page.getByRole('heading', { name: 'My keys' }).waitFor()
  })

  test('after signing out, neither “back” nor another tab shows anything', async () => {
    const { server, url, open } = console()
    const page = await open('/my-keys', { as: server.owner_id })
    const other = await page.context().newPage()
    await other.goto(`${url}/console/sessions`)
    await other.getByRole('table').waitFor()
    await page.getByRole('link', { name: 'Sessions' }).click()
    await page.getByRole('table').waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('Admin key').waitFor()
    await page.goBack()
    expect(await page.textContent('h1')).toBe('Sign in to Keyhall')
    await other.getByLabel('Admin key').waitFor()
    for (const { mainFrame } of [page, other].map((page) => ({ mainFrame: page.mainFrame() })))
      expect(await mainFrame.content()).not.toContain('owner@example.com')
  })

  test('a page that the browser kept is loaded anew, and asks again for signing in', async () => {
    const { server, open } = console()
    const page = await open('/sessions', { as: server.owner_id })
    await page.getByRole('table').waitFor()
    await page.evaluate(() => dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true })))
    await page.context().clearCookies()
    const loaded = page.waitForEvent('load')
    await page.evaluate(() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })))
    await loaded
    await page.getByLabel('Admin key').waitFor()
    expect(await page.content()).not.toContain('owner@example.com')
  })

  test('a session that was ended elsewhere asks again, and says why', async () => {
    const { server, open } = console()
    const page = await open('/my-keys', { as: server.owner_id })
    await page.getByRole('heading', { name: 'You have no keys yet' }).waitFor()
    const other = await open('/sessions', { as: server.owner_id })
    const others = other.getByRole('row').filter({ hasNotText: 'This one' })
    await others.getByRole('button', { name: 'End' }).first().click()
    await other.getByRole('dialog').getByRole('button', { name: 'End it' }).click()
    await other.getByRole('dialog').waitFor({ state: 'detached' })
    await expectGoodLooks(other)
    await page.getByRole('link', { name: 'Sessions' }).click()
    await page.getByText('Your session has ended. Sign in again.').waitFor()
  })

  test('the times are those of the browser, with UTC on hover', async () => {
    const { server, open } = console()
    const page = await open('/sessions', { as: server.owner_id })
    const time = page.getByRole('row').filter({ hasText: 'This one' }).locator('time').first()
    const [shown, title, exact] = await Promise.all([
      time.textContent(),
      time.getAttribute('title'),
      time.getAttribute('datetime'),
    ])
    expect(title).toBe(`${exact!.slice(0, 19).replace('T', ' ')} UTC`)
    // India is five and a half hours ahead.
    const there = new Date(Date.parse(exact!) + 5.5 * 3600_000).toISOString()
    expect(shown).toEndWith(there.slice(11, 16))
  })

  test('a name with markup in it stays text', async () => {
    const { open, server } = console()
    const name = '<img src=x onerror=alert(1)><b>Ann</b>'
    const page = await open('/sessions', { as: await newPerson(server, { name }) })
    expect(await page.locator('.who').textContent()).toContain(name)
    expect(await page.locator('img, main b').count()).toBe(0)
  })
})
