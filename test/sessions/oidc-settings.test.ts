/** Settings of signing in that change while somebody is at the issuer. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { OidcEndpoint } from '../../admin/oidc/oidc-endpoint.ts'
import type { OidcSettings } from '../../admin/oidc/oidc-settings.ts'
import { engines, pageOrigin, START_MILLISECONDS, startServer, type TestServer } from '../setup.ts'
import { Agent, sentenceOf, startOpenIdIssuer, type OpenIdIssuer } from './openid-issuer.ts'

for (const engine of engines)
  describe(`settings that change meanwhile (${engine})`, () => {
    let issuer: OpenIdIssuer
    let server: TestServer
    /** Done when the code is exchanged. */
    let meanwhile = () => {}

    beforeAll(async () => {
      issuer = await startOpenIdIssuer()
      const send: TestServer['world']['fetch'] = (url, init) => {
        if (url.endsWith('/token')) meanwhile()
        return fetch(url, init)
      }
      server = await startServer(engine, { issuerHosts: [issuer.host], send })
    }, START_MILLISECONDS)
    afterAll(async () => {
      issuer.stop()
      await server.stop()
    })

    /** Signs somebody in under settings in whose place others come before that is finished. */
    async function signIn(person: string, others: OidcSettings | null) {
      issuer.people[person] = { email: `${person}@example.com`, email_verified: true }
      const endpoint = new OidcEndpoint(server.context, { originsOf: () => [pageOrigin] })
      endpoint.configure(issuer.settings({ newcomers: 'reader' }))
      meanwhile = () => endpoint.configure(others)
      return new Agent(endpoint).signIn(person)
    }

    test('do not judge who began before', async () => {
      expect((await signIn('ann', issuer.settings({ newcomers: 'refuse' }))).status).toBe(200)
    })

    test('sign nobody in when they are taken away', async () => {
      await server.events()
      const seen = await signIn('bob', null)
      expect({ status: seen.status, said: sentenceOf(seen) }).toEqual({
        status: 400,
        said: expect.stringContaining('under other settings'),
      })
      expect(await server.events()).toEqual({ 'login.failed': 1 })
    })
  })
