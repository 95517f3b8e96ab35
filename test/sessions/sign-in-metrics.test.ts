/** Tries to sign in are counted for /metrics, also those that the audit log leaves out. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { MOST_EVENTS, MOST_FAILURES } from '../../admin/sessions/sign-ins.ts'
import { addLink } from '../../admin/sessions/sign-in-links.ts'
import { addPerson, engines, START_MILLISECONDS, startServer, type TestServer } from '../setup.ts'
import { Agent, startOpenIdIssuer, type OpenIdIssuer } from './openid-issuer.ts'
import { fromBrowser, signIn } from './pages.ts'

for (const engine of engines)
  describe(`tries to sign in (${engine})`, () => {
    let issuer: OpenIdIssuer
    let server: TestServer
    let address = '192.0.2.1'
    beforeAll(async () => {
      issuer = await startOpenIdIssuer()
      const settings = { oidc: issuer.settings(), issuerHosts: [issuer.host] }
      server = await startServer(engine, { ...settings, addressOf: () => address })
    }, START_MILLISECONDS)
    afterAll(async () => {
      issuer.stop()
      await server.stop()
    })

    const attempt = async (body: object) =>
      (await fromBrowser(server, null, 'POST', '/organization/sessions', body)).status

    async function counts() {
      const page = await (await server.metrics()).text()
      const found = page.matchAll(/^keyhall_sign_ins_total\{method="(\w+)",result="(\w+)"\} (\d+)$/gm)
      return Object.fromEntries([...found].map(([, method, result, count]) => [`${method} ${result}`, Number(count)]))
    }

    test('are there from 0 on, so that the first failure is seen as an increase', async () => {
      expect(await counts()).toEqual({
        'admin_key succeeded': 0,
        'admin_key failed': 0,
        'link succeeded': 0,
        'link failed': 0,
        'oidc succeeded': 0,
        'oidc failed': 0,
        'oidc limited': 0,
        'unread limited': 0,
      })
    })

    test('count by method and result; a body that is invalid is no try', async () => {
      await signIn(server)
      const { peppers } = server.context.keys
      const person = { organization_id: server.organization_id, id: server.owner_id }
      const { token } = await server.database.write((sql) => addLink(sql, peppers, server.world, person))
      expect([await attempt({ token }), await attempt({ token })]).toEqual([200, 401])
      expect([await attempt({ admin_key: 'wrong' }), await attempt({ admin_key: 1 })]).toEqual([401, 400])
      issuer.people.ann = { email: 'ann@example.com', email_verified: true }
      expect((await new Agent(server).signIn('ann')).status).toBe(403)
      await addPerson(server, { id: 'user-ann', email: 'ann@example.com' })
      expect((await new Agent(server).signIn('ann')).status).toBe(200)
      expect(await counts()).toMatchObject({
        'admin_key succeeded': 1,
        'admin_key failed': 1,
        'link succeeded': 1,
        'link failed': 1,
        'oidc succeeded': 1,
        'oidc failed': 1,
        'oidc limited': 0,
        'unread limited': 0,
      })
    })

    test('count all that fail, however many the audit log leaves out, and those that are limited', async () => {
      await server.events()
      const before = (await counts())['admin_key failed']!
      for (const place of [2, 3, 4]) {
        address = `192.0.2.${place}`
        for (let n = 0; n < MOST_FAILURES; n++) await attempt({ admin_key: 'wrong' })
      }
      expect((await counts())['admin_key failed']).toBe(before + 3 * MOST_FAILURES)
      expect((await server.events())['login.failed']).toBeLessThanOrEqual(MOST_EVENTS)
      expect(await attempt({ admin_key: server.admin_key })).toBe(429)
      expect((await new Agent(server).signIn('ann')).status).toBe(429)
      expect(await counts()).toMatchObject({ 'oidc limited': 1, 'unread limited': 1, 'admin_key succeeded': 1 })
    })
  })
