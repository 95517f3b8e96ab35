/**
 * Trust that was taken away stays away: after a restored database, and over a rotation of the
 * pepper.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { retireOldPepper } from '../../admin/retire-pepper.ts'
import { openDatabase } from '../../database/open.ts'
import { checkPeppers } from '../../keys/check-peppers.ts'
import { hasTrustMac } from '../../keys/trust-mac.ts'
import { Secret } from '../../world/secret.ts'
import { RestorableServer } from '../cli/restorable-server.ts'
import { engines, startServer, START_MILLISECONDS, testPepper } from '../setup.ts'
import { newSigner, trust, uploaded } from './issuer.ts'

setDefaultTimeout(120_000)

for (const engine of engines) {
  describe(`an older database (${engine})`, () => {
    const place = new RestorableServer(engine)
    beforeAll(() => place.open(), START_MILLISECONDS)
    afterAll(() => place.close())

    test('gets its deleted rules and providers deleted again, and changed ones switched off', async () => {
      const project = await place.done('POST', '/projects', { name: 'Jobs' })
      const account = await place.done('POST', `/projects/${project.id}/service_accounts`, { name: 'job' })
      const provider = async (name: string) => {
        const body = { name, type: 'oidc', issuer: 'https://issuer.example.com', audience: 'keyhall' }
        const path = `/workload_identity_providers/${(await place.done('POST', '/workload_identity_providers', body)).id}`
        const { id } = await place.done('POST', `${path}/federation_rules`, {
          attribute_matchers: { sub: 'job' },
          project_id: project.id,
          service_account_id: account.id,
        })
        return { path, rule: `${path}/federation_rules/${id}` }
      }
      const [kept, gone, changed] = [await provider('kept'), await provider('gone'), await provider('changed')]
      const restore = await place.save()
      await place.done('DELETE', gone.rule)
      await place.done('DELETE', gone.path)
      await place.done('POST', changed.rule, { attribute_matchers: { sub: 'job', branch: 'main' } })
      await place.done('POST', changed.path, { audience: 'narrower' })
      await place.stop()
      await restore()
      await place.start()
      const seen = async ({ path, rule }: { path: string; rule: string }) => {
        const answers = [await place.call('GET', path), await place.call('GET', rule)]
        return answers.map(({ status, body }) => (status === 200 ? (body.enabled as boolean) : status))
      }
      expect(await seen(kept)).toEqual([true, true])
      expect(await seen(changed)).toEqual([false, false])
      expect(await seen(gone)).toEqual([404, 404])
    })
  })

  test(`providers and rules keep a valid MAC when the old pepper is retired (${engine})`, async () => {
    const server = await startServer(engine)
    const signer = await newSigner('one')
    const provider = { issuer: 'https://issuer.example.com', verification: uploaded(signer) }
    const made = await trust(server, provider, { attribute_matchers: { sub: 'job' } })
    const forged = await trust(server, provider, { attribute_matchers: { sub: 'job' } })
    await server.database.write((sql) =>
      sql.updateTable('federation_rules').set({ scopes: '["x"]' }).where('id', '=', forged.rule_id).execute(),
    )
    const database = await openDatabase(server.address)
    try {
      const pepper = new Secret(new Uint8Array(32).fill(9))
      const peppers = await checkPeppers(database, [pepper, testPepper])
      await retireOldPepper(database, peppers, server.world, [])
      const providers = await database.read.selectFrom('identity_providers').selectAll().execute()
      expect(providers.map((row) => hasTrustMac([pepper], 'identity_providers', row))).toEqual([true, true])
      const rules = await database.read.selectFrom('federation_rules').selectAll().execute()
      const valid = rules.filter((row) => hasTrustMac([pepper], 'federation_rules', row))
      expect(valid.map(({ id }) => id)).toEqual([made.rule_id])
    } finally {
      await database.close()
      await server.stop()
    }
  })
}
