/** A workload's token is exchanged for an access token, which the gateway takes like a key. */
import { beforeAll, expect, test } from 'bun:test'
import { onBothEngines } from '../setup.ts'
import { exchange, exchangeBody, newSigner, sign, trust, uploaded, type Signer } from './issuer.ts'

const ISSUER = 'https://kubernetes.default.svc.cluster.local'
let signer: Signer
beforeAll(async () => {
  signer = await newSigner('one')
})

onBothEngines('a token exchange', (server) => {
  const trusted = (rule: object = {}, provider: object = {}) =>
    trust(
      server(),
      { issuer: ISSUER, verification: uploaded(signer), ...provider },
      { attribute_matchers: { sub: 'job' }, ...rule },
    )
  const token = (claims: object = {}) => sign(signer, { iss: ISSUER, ...claims })
  const verify = (key: string, query = '') =>
    server().fetch(new Request(`http://keyhall.test/verify${query}`, { headers: { authorization: `Bearer ${key}` } }))

  test('answers an access token that opens the gateway as its service account', async () => {
    const made = await trusted()
    const { status, body, headers } = await exchange(server(), made, await token())
    expect({ status, body: { ...body, access_token: '' } }).toEqual({
      status: 200,
      body: {
        access_token: '',
        issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        token_type: 'Bearer',
        expires_in: expect.any(Number) as number,
      },
    })
    expect(headers.get('cache-control')).toBe('no-store')
    const opened = await verify(body.access_token)
    expect(opened.status).toBe(200)
    expect(opened.headers.get('x-keyhall-owner-id')).toBe(made.service_account_id)
    expect(opened.headers.get('x-keyhall-project-id')).toBe(made.project_id)
    expect(opened.headers.get('x-keyhall-owner-type')).toBe('service_account')
  })

  test('takes a form as well as JSON, below /v1 as well as not', async () => {
    const made = await trusted()
    const form = new URLSearchParams(exchangeBody(made.provider_id, made.service_account_id, await token()))
    const request = new Request('http://keyhall.test/v1/oauth/token', { method: 'POST', body: form })
    const { access_token } = (await (await server().fetch(request)).json()) as { access_token: string }
    expect(await server().opens(access_token)).toBe(200)
  })

  test('gives no token that outlives the one it was given for, nor one of more than an hour', async () => {
    const made = await trusted()
    const now = Math.floor(Date.now() / 1000)
    const short = await exchange(server(), made, await token({ exp: now + 100 }))
    expect(short.body.expires_in).toBeLessThanOrEqual(100)
    expect(short.body.expires_in).toBeGreaterThan(60)
    const long = await exchange(server(), made, await token({ exp: now + 90_000 }))
    expect(long.body.expires_in).toBe(3600)
  })

  test('restricts the access token to the scopes of its rule', async () => {
    const made = await trusted({ permissions: { type: 'restricted', scopes: ['api.model.read'] } })
    const { body } = await exchange(server(), made, await token(), { scope: 'api.model.request' })
    expect((await verify(body.access_token, '?scope=api.model.read')).status).toBe(200)
    expect((await verify(body.access_token, '?scope=api.model.request')).status).toBe(403)
    expect((await verify(body.access_token)).headers.get('x-keyhall-scopes')).toBe('api.model.read')
  })

  test('looks for every matcher, in claims and in transformed attributes', async () => {
    const made = await trusted(
      { attribute_matchers: { namespace: 'ml', branch: 'main', protected: true, attempt: 2 } },
      {
        attribute_transformations: [
          { attribute: 'namespace', expression: 'assertion["kubernetes.io"].namespace' },
          { attribute: 'branch', expression: 'assertion.ref.matches("^refs/heads/main$") ? "main" : "other"' },
        ],
      },
    )
    const good = { 'kubernetes.io': { namespace: 'ml' }, ref: 'refs/heads/main', protected: true, attempt: 2 }
    expect((await exchange(server(), made, await token(good))).status).toBe(200)
    const wrong = [
      { ...good, 'kubernetes.io': { namespace: 'web' } },
      { ...good, 'kubernetes.io': undefined, namespace: 'ml' },
      { ...good, ref: 'refs/heads/mainline' },
      { ...good, protected: 'true' },
      { ...good, attempt: '2' },
    ]
    for (const claims of wrong) {
      const { status, body } = await exchange(server(), made, await token(claims))
      expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_grant' })
    }
  })

  test('says which attribute of which rule did not match', async () => {
    const made = await trusted({ attribute_matchers: { repository: 'acme/site' } })
    const { body } = await exchange(server(), made, await token({ repository: 'acme/secret-name' }))
    expect(body).toEqual({
      error: 'invalid_grant',
      error_description: `The subject token matches no federation rule for this service account: ${made.rule_id} (repository).`,
    } as never)
  })

  test('leaves an audit event with the workload as its actor, and counts in the metrics', async () => {
    const made = await trusted()
    await server().events()
    const { body } = await exchange(server(), made, await token())
    expect(await server().events()).toEqual({ 'tenant.workload_identity.access_token.issued': 1 })
    const { data } = await server().client.admin.organization.auditLogs.list({ limit: 1 })
    const [event] = data as any[]
    const { id, ...payload } = event['tenant.workload_identity.access_token.issued']
    expect(payload).toMatchObject({
      identity_provider_id: made.provider_id,
      mapping_id: made.rule_id,
      service_account_id: made.service_account_id,
      subject: 'job',
    })
    expect(event.actor.api_key).toMatchObject({
      id,
      type: 'service_account',
      service_account: { id: made.service_account_id },
    })
    expect(event.project.id).toBe(made.project_id)
    expect(JSON.stringify(event)).not.toContain(body.access_token)
    const opened = await verify(body.access_token)
    expect(opened.headers.get('x-keyhall-key-id')).toBe(id)
    const metrics = await (await server().metrics()).text()
    expect(metrics).toMatch(/keyhall_token_exchanges_total\{outcome="issued"\} [1-9]/)
    expect(metrics).toMatch(/keyhall_access_tokens_used_total [1-9]/)
  })

  test('shows access tokens in no list of keys', async () => {
    const made = await trusted()
    const { project_id } = made
    await exchange(server(), made, await token())
    const ofProject = await server().client.admin.organization.projects.apiKeys.list(project_id)
    expect(ofProject.data.map(({ redacted_value }) => redacted_value.slice(0, 11))).toEqual(['sk-svcacct-'])
    const all = await (await server().request('GET', `/organization/api_keys?project_ids[]=${project_id}`)).text()
    expect(all).not.toContain('sk-access')
  })

  test('lets an access token expire, and then deletes it from storage', async () => {
    const made = await trusted()
    const now = Math.floor(Date.now() / 1000)
    const { body } = await exchange(server(), made, await token({ exp: now + 120 }))
    expect(await server().opens(body.access_token)).toBe(200)
    const stored = async () => {
      const rows = server().database.read.selectFrom('access_tokens').select('id')
      return (await rows.where('service_account_id', '=', made.service_account_id).execute()).length
    }
    expect(await stored()).toBe(1)
    server().world.ahead += 121
    expect(await server().opens(body.access_token)).toBe(401)
    await server().now.deleteExpiredRows()
    expect(await stored()).toBe(0)
    server().world.ahead -= 121
  })
})
