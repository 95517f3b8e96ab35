/**
 * Random histories of an organization: after each step the real one and the model agree, on both
 * engines.
 */
import { beforeAll, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { addPerson, addTenant, onBothEngines, type Tenant, type TestServer } from '../setup.ts'
import { startOther, type OtherServer } from '../other-server.ts'
import { AUDIENCE, exchange, newSigner, sign, uploaded, type Signer } from '../workload-identity/issuer.ts'
import type { Command, Real } from './command.ts'
import { commands } from './commands.ts'
import { observe, foresee } from './views.ts'
import { rounds } from '../runs.ts'
import { realSessions } from './real-sessions.ts'
import { Organization, permissionOf, SIGNED_IN } from './organization.ts'

/** Faults are mostly the same on both engines; a history on PostgreSQL takes longer. */
const RUNS = { sqlite: rounds(80), postgres: rounds(25) }
const PEOPLE = 4
const PROJECTS = 2
const ISSUER = 'https://issuer.example.com'
let signer: Signer
beforeAll(async () => {
  signer = await newSigner('one')
})

onBothEngines('people and access agree with a small model', (server) => {
  test(
    'through random histories',
    async () => {
      const other = await startOther(server())
      const numRuns = RUNS[server().engine]
      try {
        await fc.assert(
          fc.asyncProperty(fc.array(fc.oneof(...commands), { minLength: 1, maxLength: 12 }), (history) =>
            live(server(), other, history),
          ),
          // The same seed on both engines; the shortest failing history is looked for in short runs
          // only.
          { numRuns, seed: Number(process.env.TEST_SEED ?? 4100), endOnFailure: numRuns > 80 },
        )
      } finally {
        await other.stop()
      }
    },
    30 * 60_000,
  )
})

async function live(server: TestServer, other: OtherServer, history: readonly Command[]) {
  const tenant = await addTenant(server)
  const real = await realize(server, other, tenant)
  const model = new Organization(PEOPLE, PROJECTS)
  let seen = await eventsOf(server, tenant)
  for (const { name, model: expected, real: actual, made = [] } of history) {
    const { status, events: own = {} } = expected(model)
    const lost = model.endLostSessions()
    const events = lost > 0 ? { ...own, 'logout.succeeded': (own['logout.succeeded'] ?? 0) + lost } : own
    const answer = await actual(real)
    expect({ command: name, status: answer.status, error: answer.json.error?.message }).toMatchObject({
      command: name,
      status,
    })
    if (status === 200) for (const { list, id } of made) real[list].push(id(answer.json))
    const now = await eventsOf(server, tenant)
    expect({ command: name, events: difference(now, seen) }).toEqual({ command: name, events })
    seen = now
    expect({ command: name, sees: await observe(server, real, model) }).toEqual({
      command: name,
      sees: foresee(real, model),
    })
    // Who asks is person 0: when that is no owner any more, nobody answers, and the history is
    // over.
    if (!model.isOwner(0)) return
  }
}

async function realize(server: TestServer, other: OtherServer, tenant: Tenant): Promise<Real> {
  const { request, organization_id, owner_id } = tenant
  const ask: Real['ask'] = async (method, path, body) => {
    const response = await request(method, path, body)
    return { status: response.status, json: await response.json() }
  }
  const users = [owner_id]
  for (let n = 1; n < PEOPLE; n++) {
    const id = `user-${organization_id}-${n}`
    users.push(await addPerson(tenant, { id, email: `${id}@example.com` }))
  }
  const projects: string[] = []
  for (let n = 0; n < PROJECTS; n++)
    projects.push((await ask('POST', '/organization/projects', { name: `P${n}` })).json.id)
  const make = async (path: string, body: object): Promise<string> => (await ask('POST', path, body)).json.id
  const groups = [
    await make('/organization/groups', { name: 'G0' }),
    await make('/organization/groups', { name: 'G1' }),
  ]
  await ask('POST', `/organization/groups/${groups[0]}/users`, { user_id: users[1] })
  const roles = [
    await make('/organization/roles', { permissions: [permissionOf('r0')], role_name: 'R0' }),
    await make(`/projects/${projects[0]}/roles`, { permissions: [permissionOf('r1')], role_name: 'R1' }),
  ]
  const accountsOf = (project: number) => `/organization/projects/${projects[project]}/service_accounts`
  const member = (await ask('POST', accountsOf(1), { name: 'A0' })).json
  const alone = (await ask('POST', accountsOf(0), { name: 'A1', create_service_account_only: true })).json
  const key = (await ask('POST', `${accountsOf(0)}/${alone.id}/api_keys`)).json
  await ask('POST', `/organization/groups/${groups[0]}/users`, { user_id: alone.id })
  await ask('POST', `/organization/projects/${projects[0]}/groups`, { group_id: groups[0], role: 'viewer' })
  await ask('POST', `/organization/projects/${projects[1]}/groups`, { group_id: groups[1], role: 'owner' })
  await ask('POST', `/projects/${projects[0]}/users/${alone.id}/roles`, { role_id: roles[1] })
  const provider = { name: 'CI', type: 'oidc', issuer: ISSUER, audience: AUDIENCE, verification: uploaded(signer) }
  const provider_id = await make('/organization/workload_identity_providers', provider)
  const rule = { attribute_matchers: { sub: 'job' }, project_id: projects[1], service_account_id: member.id }
  const rule_id = await make(`/organization/workload_identity_providers/${provider_id}/federation_rules`, rule)
  await ask('POST', `/organization/projects/${projects[0]}/hosted_tool_permissions`, { web_search: { enabled: false } })
  const exchanged: Real['exchange'] = async (provider_id, service_account_id) => {
    const token = await sign(signer, { iss: ISSUER, ...lifetime() })
    const { status, body } = await exchange(server, { provider_id, service_account_id }, token)
    return { status, json: { ...body, error: body.error && { message: body.error_description } } }
  }
  const lifetime = () => {
    const now = Math.floor(server.world.now() / 1000)
    return { iat: now, nbf: now, exp: now + 600 }
  }
  const signing = realSessions(server, other, tenant)
  const signedIn = []
  for (const user of SIGNED_IN) signedIn.push((await signing.signIn(users[user]!)).json)
  return {
    ask,
    ...signing,
    sessions: signedIn.map(({ id }) => id),
    cookies: signedIn.map(({ cookie }) => cookie),
    organization_id,
    provider,
    exchange: exchanged,
    providers: [provider_id],
    rules: [rule_id],
    tokens: [(await exchanged(provider_id, member.id)).json.access_token],
    users,
    projects,
    groups,
    accounts: [member.id, alone.id],
    keys: [member.api_key.id, key.id],
    values: [member.api_key.value, key.value],
    roles,
  }
}

async function eventsOf({ database }: TestServer, { organization_id }: Tenant): Promise<Record<string, number>> {
  const rows = await database.read
    .selectFrom('audit_logs')
    .select(['type', (is) => is.fn.countAll<number>().as('count')])
    .where('organization_id', '=', organization_id)
    .groupBy('type')
    .execute()
  return Object.fromEntries(rows.map(({ type, count }) => [type, count]))
}

const difference = (now: Record<string, number>, before: Record<string, number>) =>
  Object.fromEntries(
    Object.entries(now)
      .map(([type, count]) => [type, count - (before[type] ?? 0)] as const)
      .filter(([, count]) => count > 0),
  )
