/**
 * The whole way in a real browser: to a real issuer, back, and with a strict cookie from then on.
 */
import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { chromium, openTab, type Tab } from '../chromium.ts'
import { addPerson, startServer } from '../setup.ts'
import { startOpenIdIssuer } from './openid-issuer.ts'

// A browser takes its time to start.
setDefaultTimeout(60_000)

if (!chromium)
  console.log('NOT TESTED: signing in with a browser, because no Chromium was found (TEST_CHROMIUM names one)')

/** Waits until the page is at this path. */
async function arrive(tab: Tab, path: RegExp) {
  for (;;) {
    const at = await tab.evaluate('document.readyState === "complete" ? location.pathname : ""').catch(() => '')
    if (path.test(String(at))) return
    await Bun.sleep(20)
  }
}

describe.skipIf(!chromium)('in Chromium', () => {
  test('a person signs in at the issuer and can use the console at once', async () => {
    let fetch: (request: Request) => Promise<Response>
    const socket = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: (request) => fetch(request) })
    const origin = `http://127.0.0.1:${socket.port}`
    // For the browser this is another site than 127.0.0.1.
    const issuer = await startOpenIdIssuer({ name: 'localhost', redirect_uri: `${origin}/console/oidc/callback` })
    const server = await startServer('sqlite', {
      oidc: issuer.settings(),
      issuerHosts: [issuer.host],
      originsOf: () => [origin],
    })
    const arrivals: object[] = []
    fetch = async (request) => {
      const { headers } = request
      if (new URL(request.url).pathname === '/console/keys')
        arrivals.push({ site: headers.get('sec-fetch-site'), cookie: headers.get('cookie')?.split('=')[0] })
      return server.fetch(request)
    }
    issuer.people.ann = { email: 'ann@example.com', email_verified: true }
    await addPerson(server, { id: 'user-ann', email: 'ann@example.com' })
    const tab = await openTab(`${origin}/console/oidc/start?return_to=/console/keys`)
    try {
      await arrive(tab, /^\/interaction\//)
      await tab.evaluate(`document.querySelector('[name=login]').value = 'ann'; document.forms[0].submit()`)
      for (;;) {
        const has = 'document.querySelector("[name=prompt]")?.value === "consent"'
        if (await tab.evaluate(has).catch(() => false)) break
        await Bun.sleep(20)
      }
      await tab.evaluate('document.forms[0].submit()')
      await arrive(tab, /^\/console\/keys$/)
      // A redirect of the callback's would come from another site, without the cookie.
      expect(arrivals).toEqual([{ site: 'same-origin', cookie: 'keyhall' }])
      const headers = `{ headers: { 'x-keyhall-console': '1' } }`
      const me = await tab.evaluate(`fetch('/v1/organization/me', ${headers}).then((answer) => answer.json())`)
      expect(me).toMatchObject({ user: { id: 'user-ann' } })
      expect(await tab.evaluate('document.cookie')).toBe('')
      expect(tab.complaints.filter((one) => one.includes('Content Security Policy'))).toEqual([])
    } finally {
      await tab.close()
      await socket.stop(true)
      issuer.stop()
      await server.stop()
    }
  })
})
