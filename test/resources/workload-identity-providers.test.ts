/** Workload identity providers and their federation rules: what they refuse, and what they keep. */
import { beforeAll, expect, test } from 'bun:test'
import { newProject, newServiceAccount } from '../made.ts'
import { addTenant, onBothEngines, type Tenant } from '../setup.ts'
import { newSigner, uploaded, type Signer } from '../workload-identity/issuer.ts'

const PATH = '/organization/workload_identity_providers'
const oidc = { name: 'CI', type: 'oidc', issuer: 'https://issuer.example.com', audience: 'keyhall' }

let signer: Signer
beforeAll(async () => {
  signer = await newSigner('one')
})

const send = async (tenant: Tenant, method: string, path: string, body?: object) => {
  const response = await tenant.request(method, path, body)
  return { status: response.status, body: (await response.json()) as any }
}

onBothEngines('workload identity providers', (server) => {
  const create = (body: object) => send(server(), 'POST', PATH, { ...oidc, ...body })

  test('are made as the official SDK makes them, with discovery unless keys are given', async () => {
    const { workloadIdentityProviders } = server().client.admin.organization
    const made = await workloadIdentityProviders.create({ ...oidc, type: 'oidc' })
    expect(made).toMatchObject({
      object: 'organization.workload_identity_provider',
      ...oidc,
      enabled: true,
      description: null,
      attribute_transformations: [],
      verification: { type: 'discovery', discovery_url: null },
    })
    const updated = await workloadIdentityProviders.update(made.id, { verification: uploaded(signer) as never })
    expect(updated.verification).toEqual(uploaded(signer) as never)
    expect(updated).toMatchObject({ issuer: oidc.issuer, audience: oidc.audience })
  })

  const wrong: [name: string, body: object, param: string, says: string][] = [
    ['an issuer over http', { issuer: 'http://issuer.example.com' }, 'issuer', 'https://'],
    ['an issuer that is no URL', { issuer: 'issuer' }, 'issuer', 'no URL'],
    ['a password in a URL', { issuer: 'https://me:pw@issuer.example.com' }, 'issuer', 'neither a user'],
    [
      'discovery over http',
      { verification: { type: 'discovery', discovery_url: 'http://x.example.com' } },
      'verification.discovery_url',
      'https://',
    ],
    ['no keys', { verification: { type: 'uploaded_jwks' } }, 'verification.jwks', 'needs'],
    [
      'keys of another form',
      { verification: { type: 'discovery', jwks: { keys: [] } } },
      'verification.jwks',
      'goes with',
    ],
    [
      'an empty key set',
      { verification: { type: 'uploaded_jwks', jwks: { keys: [] } } },
      'verification.jwks',
      'no public',
    ],
    [
      'a symmetric key',
      { verification: { type: 'uploaded_jwks', jwks: { keys: [{ kty: 'oct', kid: 'a', k: 'c2VjcmV0' }] } } },
      'verification.jwks',
      'private or a symmetric key',
    ],
    [
      'a private key',
      { verification: { type: 'uploaded_jwks', jwks: { keys: [{ kty: 'EC', kid: 'a', d: 'c2VjcmV0' }] } } },
      'verification.jwks',
      'private or a symmetric key',
    ],
    [
      'a huge key set',
      { verification: { type: 'uploaded_jwks', jwks: { keys: [{ kty: 'RSA', kid: 'a', n: 'A'.repeat(70_000) }] } } },
      'verification.jwks',
      'at most 65536 bytes',
    ],
    [
      'an attribute twice',
      {
        attribute_transformations: [
          { attribute: 'a', expression: 'assertion.a' },
          { attribute: 'a', expression: 'assertion.b' },
        ],
      },
      'attribute_transformations',
      'twice',
    ],
  ]
  for (const [name, body, param, says] of wrong)
    test(`refuse ${name}`, async () => {
      const { status, body: answer } = await create(body)
      expect({ status, param: answer.error?.param }).toEqual({ status: 400, param })
      expect(answer.error.message).toContain(says)
    })

  test('refuse a key set that is nested without end', async () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000)
    const verification = `{"type":"uploaded_jwks","jwks":{"keys":${deep}}}`
    const response = await server().request(
      'POST',
      PATH,
      JSON.stringify(oidc).replace('}', `,"verification":${verification}}`),
    )
    expect(response.status).toBe(400)
  })

  const costly: [expression: string, says: string][] = [
    ['assertion.', ''],
    ['claims.sub', "'claims' is not known"],
    ['[1, 2].all(x, x > 0)', 'not available'],
    ['assertion.groups.map(g, g + "x")', 'not available'],
    ['assertion.groups.exists(g, g.exists(h, h == 1))', 'not available'],
    [`${'('.repeat(13)}1${')'.repeat(13)}`, 'more than 12 brackets'],
    ['assertion.sub.matches(assertion.pattern)', 'written out'],
    [`assertion.sub.matches("${'a'.repeat(201)}")`, 'at most 200 characters'],
    [Array(3).fill('assertion.sub.matches("a")').join(' || '), 'more than 2 times'],
    ['assertion.sub.matches("(a{9}){9}")', 'at most one repetition'],
    ['assertion.sub.matches("a{1,500}")', 'less than 100'],
    ['{"a": 1}.a', 'cannot be made'],
  ]
  for (const [expression, says] of costly)
    test(`refuse the expression ${expression.slice(0, 50)}`, async () => {
      const { status, body } = await create({ attribute_transformations: [{ attribute: 'a', expression }] })
      expect({ status, param: body.error?.param }).toEqual({
        status: 400,
        param: 'attribute_transformations[0].expression',
      })
      expect(body.error.message).toContain(says)
    })

  test('are at most fifty, with at most fifty rules each, and go only without rules', async () => {
    const tenant = await addTenant(server())
    const { id: service_account_id, project_id } = await newServiceAccount(tenant)
    const ids: string[] = []
    for (let n = 0; n < 50; n++) ids.push((await send(tenant, 'POST', PATH, oidc)).body.id as string)
    expect((await send(tenant, 'POST', PATH, oidc)).body.error.message).toContain('at most 50')
    const rules = `${PATH}/${ids[0]}/federation_rules`
    const rule = { attribute_matchers: { sub: 'job' }, project_id, service_account_id }
    const made: string[] = []
    for (let n = 0; n < 50; n++) made.push((await send(tenant, 'POST', rules, rule)).body.id as string)
    expect((await send(tenant, 'POST', rules, rule)).body.error.message).toContain('at most 50')
    expect((await send(tenant, 'DELETE', `${PATH}/${ids[0]}`)).status).toBe(400)
    for (const id of made) await send(tenant, 'DELETE', `${rules}/${id}`)
    expect((await send(tenant, 'DELETE', `${PATH}/${ids[0]}`)).status).toBe(200)
    expect((await send(tenant, 'POST', PATH, oidc)).status).toBe(200)
  }, 30_000)

  test('have rules for service accounts that exist, in projects that are active, with conditions', async () => {
    const { id } = (await create({})).body
    const path = `${PATH}/${id}/federation_rules`
    const account = await newServiceAccount(server())
    const archived = await newServiceAccount(server())
    await send(server(), 'POST', `/organization/projects/${archived.project_id}/archive`)
    const good = {
      attribute_matchers: { sub: 'job' },
      project_id: account.project_id,
      service_account_id: account.id,
    }
    const refused = async (body: object) => {
      const { status, body: answer } = await send(server(), 'POST', path, { ...good, ...body })
      return [status, answer.error?.param ?? answer.error?.code]
    }
    expect(await refused({ attribute_matchers: {} })).toEqual([400, 'attribute_matchers'])
    expect(await refused({ attribute_matchers: { sub: ['job'] } })).toEqual([400, 'attribute_matchers.sub'])
    expect(await refused({ permissions: { type: 'restricted' } })).toEqual([400, 'permissions.scopes'])
    const both = { type: 'service_account_default', scopes: ['api.model.read'] }
    expect(await refused({ permissions: both })).toEqual([400, 'permissions.scopes'])
    expect(await refused({ service_account_id: 'user-none' })).toEqual([404, 'service_account_id'])
    expect(await refused({ project_id: 'proj_none' })).toEqual([404, 'project_id'])
    const elsewhere = (await newProject(server())).id
    expect(await refused({ project_id: elsewhere })).toEqual([404, 'service_account_id'])
    const gone = { project_id: archived.project_id, service_account_id: archived.id }
    expect(await refused(gone)).toEqual([400, 'project_archived'])
  })

  test('list the rules of one service account', async () => {
    const { id } = (await create({})).body
    const path = `${PATH}/${id}/federation_rules`
    const accounts = [await newServiceAccount(server()), await newServiceAccount(server())]
    for (const { id: service_account_id, project_id } of accounts)
      await send(server(), 'POST', path, { attribute_matchers: { sub: 'job' }, project_id, service_account_id })
    const { federationRules } = server().client.admin.organization.workloadIdentityProviders
    const found = []
    for await (const rule of federationRules.list(id as string, { service_account_id: accounts[1]!.id, limit: 1 }))
      found.push(rule.service_account_id)
    expect(found).toEqual([accounts[1]!.id])
  })
})
