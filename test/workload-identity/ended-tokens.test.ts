/** An access token is dead at once when what it rests on goes, whatever memory knew of it. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { startOther, type OtherServer } from '../other-server.ts'
import { engines, startServer, START_MILLISECONDS, type TestServer } from '../setup.ts'
import { exchange, newSigner, sign, trust, uploaded, type Signer, type Trust } from './issuer.ts'

const ISSUER = 'https://issuer.example.com'
let signer: Signer
beforeAll(async () => {
  signer = await newSigner('one')
})

type Ends = (server: TestServer, made: Trust) => Promise<unknown>
const providers = (server: TestServer) => server.client.admin.organization.workloadIdentityProviders
const rule = ({ rule_id, provider_id }: Trust) => [rule_id, { workload_identity_provider_id: provider_id }] as const

/** What ends a token, what it is answered then, and whether the next exchange is refused. */
const endings: [name: string, end: Ends, status: number, isRefused: boolean][] = [
  ['the rule is deleted', (server, made) => providers(server).federationRules.delete(...rule(made)), 401, true],
  [
    'the rule is disabled',
    (server, { rule_id, provider_id }) =>
      providers(server).federationRules.update(rule_id, { workload_identity_provider_id: provider_id, enabled: false }),
    401,
    true,
  ],
  [
    'the rule asks for something else',
    (server, { rule_id, provider_id }) =>
      providers(server).federationRules.update(rule_id, {
        workload_identity_provider_id: provider_id,
        attribute_matchers: { sub: 'another job' },
      }),
    401,
    true,
  ],
  [
    'the rule permits less',
    (server, { rule_id, provider_id }) =>
      providers(server).federationRules.update(rule_id, {
        workload_identity_provider_id: provider_id,
        permissions: { type: 'restricted', scopes: ['api.files.read'] },
      }),
    401,
    false,
  ],
  [
    'the provider is disabled',
    (server, { provider_id }) => providers(server).update(provider_id, { enabled: false }),
    401,
    true,
  ],
  [
    'the provider is deleted with its rule',
    async (server, made) => {
      await providers(server).federationRules.delete(...rule(made))
      await providers(server).delete(made.provider_id)
    },
    401,
    true,
  ],
  [
    'the audience changes',
    (server, { provider_id }) => providers(server).update(provider_id, { audience: 'https://other.example.com' }),
    401,
    true,
  ],
  [
    'the service account is deleted',
    (server, { project_id, service_account_id }) =>
      server.client.admin.organization.projects.serviceAccounts.delete(service_account_id, { project_id }),
    401,
    true,
  ],
  [
    'the project is archived',
    (server, { project_id }) => server.client.admin.organization.projects.archive(project_id),
    403,
    true,
  ],
]

for (const engine of engines)
  describe(`access tokens (${engine})`, () => {
    let server: TestServer
    const errors: string[] = []
    /** A second server on the same database. */
    let other: OtherServer
    beforeAll(async () => {
      server = await startServer(engine, { onError: (sentence) => errors.push(sentence) })
      other = await startOther(server)
    }, START_MILLISECONDS)
    afterAll(async () => {
      await other.stop()
      await server.stop()
    })

    for (const [name, end, status, isRefused] of endings)
      test(`are dead on every server at once when ${name}`, async () => {
        const provider = { issuer: ISSUER, verification: uploaded(signer) }
        const made = await trust(server, provider, { attribute_matchers: { sub: 'job' } })
        const subject = await sign(signer, { iss: ISSUER })
        const { access_token } = (await exchange(server, made, subject)).body
        expect([await server.opens(access_token), await other.opens(access_token)]).toEqual([200, 200])
        await end(server, made)
        expect([await server.opens(access_token), await other.opens(access_token)]).toEqual([status, status])
        for (const { fetch } of [server, other]) {
          const again = await exchange({ fetch }, made, subject)
          expect([again.status, again.body.error]).toEqual(isRefused ? [400, 'invalid_grant'] : [200, undefined])
        }
      })

    test('stay alive when a rule or provider gets another name', async () => {
      const provider = { issuer: ISSUER, verification: uploaded(signer) }
      const made = await trust(server, provider, { attribute_matchers: { sub: 'job' } })
      const { access_token } = (await exchange(server, made, await sign(signer, { iss: ISSUER }))).body
      await providers(server).update(made.provider_id, { name: 'Renamed' })
      await providers(server).federationRules.update(made.rule_id, {
        workload_identity_provider_id: made.provider_id,
        name: 'Renamed',
      })
      expect([await server.opens(access_token), await other.opens(access_token)]).toEqual([200, 200])
    })

    test('cannot be made or widened, nor can trust, by somebody without the pepper', async () => {
      const provider = { issuer: ISSUER, verification: uploaded(signer) }
      const restricted = { type: 'restricted', scopes: ['api.model.read'] }
      const made = await trust(server, provider, { attribute_matchers: { sub: 'job' }, permissions: restricted })
      const subject = await sign(signer, { iss: ISSUER })
      const { access_token } = (await exchange(server, made, subject)).body
      const { database } = server
      await database.write((sql) =>
        sql.updateTable('access_tokens').set({ scopes: '[]' }).where('rule_id', '=', made.rule_id).execute(),
      )
      expect(await server.opens(access_token)).toBe(401)
      expect(errors.join()).toContain('its row in the database was changed without the pepper')
      await database.write((sql) =>
        sql.updateTable('federation_rules').set({ scopes: null }).where('id', '=', made.rule_id).execute(),
      )
      const widened = await exchange(server, made, subject)
      expect(widened.body.error_description).toContain('no enabled federation rule')
      await database.write((sql) =>
        sql.updateTable('identity_providers').set({ audience: 'x' }).where('id', '=', made.provider_id).execute(),
      )
      const fresh = await startOther(server, { onError: () => {} })
      const forged = await exchange(fresh, made, await sign(signer, { iss: ISSUER, aud: 'x' }))
      await fresh.stop()
      expect(forged.body.error_description).toContain('No enabled workload identity provider')
    })
  })
