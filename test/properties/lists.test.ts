/**
 * Walking a list while others add to it and take from it: what lives throughout is seen once,
 * nothing is seen twice.
 */
import { expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { operations, type OperationName } from '../../contract/index.ts'
import { makeAuthority } from '../certificates.ts'
import { newGroup, newPerson, newRole, newServiceAccount } from '../made.ts'
import { recipe } from '../recipes.ts'
import { addTenant, fromPage, onBothEngines, type Tenant } from '../setup.ts'
import { runs } from '../runs.ts'

/**
 * Two have walks of their own: what is written to the audit log stays, and the keys of all projects
 * move in their list. The certificates and IP allow lists of a project are those of the
 * organization, and the holders of a role come from elsewhere.
 */
type ListName = Exclude<
  Extract<OperationName, `${string}.list`>,
  | 'auditLogs.list'
  | 'apiKeys.list'
  | 'roles.holders.list'
  | 'projects.roles.holders.list'
  | 'projects.certificates.list'
  | 'projects.ipAllowlists.list'
>
type Params = Record<string, string>

let count = 0
const unique = () => `walked ${++count}`
const projectRole = async (tenant: Tenant, { project_id }: Params) =>
  (await send(tenant, 'POST', `/projects/${project_id}/roles`, { role_name: unique(), permissions: [] })).id

const alert = {
  threshold_amount: 100,
  currency: 'USD',
  interval: 'month',
  notification_channel: { type: 'email', recipients: ['owner@example.com'] },
}

/**
 * What to send to add one item to a list; a list without an entry is a type error. People are not
 * made over the API.
 */
const bodies: Record<ListName, ((tenant: Tenant, params: Params) => Promise<object>) | 'person'> = {
  'adminAPIKeys.list': async () => ({ name: unique() }),
  'users.list': 'person',
  'invites.list': async () => ({ email: `${unique().replace(' ', '-')}@example.com`, role: 'reader', projects: [] }),
  'users.roles.list': async (tenant) => ({ role_id: (await newRole(tenant)).id }),
  'groups.list': async () => ({ name: unique() }),
  'groups.users.list': async (tenant) => ({
    user_id: ++count % 2 ? await newPerson(tenant) : (await newServiceAccount(tenant)).id,
  }),
  'groups.roles.list': async (tenant) => ({ role_id: (await newRole(tenant)).id }),
  'roles.list': async () => ({ role_name: unique(), permissions: [] }),
  'workloadIdentityProviders.list': async () => ({
    name: unique(),
    type: 'oidc',
    issuer: 'https://issuer.example.com',
    audience: 'keyhall',
  }),
  'workloadIdentityProviders.federationRules.list': async (tenant) => {
    const { id: service_account_id, project_id } = await newServiceAccount(tenant)
    return { attribute_matchers: { sub: unique() }, service_account_id, project_id }
  },
  'certificates.list': async () => ({ certificate: makeAuthority().pem }),
  'externalKeys.list': async ({ organization_id }) => ({
    name: unique(),
    type: 'aws',
    external_id: organization_id,
    kms_arn: 'arn:aws:kms:eu-west-1:123456789012:key/one',
    role_arn: 'arn:aws:iam::123456789012:role/keyhall',
  }),
  'externalStorage.list': async ({ project_id }) => ({
    project_id,
    provider: { type: 'aws', bucket: 'answers', role_arn: 'arn:aws:iam::123456789012:role/keyhall' },
  }),
  'ipAllowlists.list': async () => ({ name: unique(), allowed_ips: ['192.0.2.1'] }),
  'spendAlerts.list': async () => alert,
  'sessions.list': async ({ admin_key }) => ({ admin_key }),
  'me.apiKeys.list': async ({ project_id }) => ({ project_id, name: unique() }),
  'projects.spendAlerts.list': async () => alert,
  'projects.list': async () => ({ name: unique() }),
  'projects.users.list': async (tenant) => ({ user_id: await newPerson(tenant), role: 'member' }),
  'projects.users.roles.list': async (tenant, params) => ({ role_id: await projectRole(tenant, params) }),
  'projects.groups.list': async (tenant) => ({
    group_id: (await newGroup(tenant)).id,
    role: 'role-api-project-member',
  }),
  'projects.groups.roles.list': async (tenant, params) => ({ role_id: await projectRole(tenant, params) }),
  'projects.roles.list': async () => ({ role_name: unique(), permissions: [] }),
  'projects.apiKeys.list': async ({ owner_id }) => ({ name: unique(), user_id: owner_id }),
  'projects.serviceAccounts.list': async () => ({ name: unique(), create_service_account_only: true }),
}

/** What others do between two pages, or at the same time as the next one is asked for. */
const doings = fc.array(
  fc.record({
    add: fc.nat({ max: 2 }),
    /** Which items go, counted from the cursor: 0 is the cursor itself. */
    remove: fc.uniqueArray(fc.integer({ min: -2, max: 3 }), { maxLength: 2 }),
    clock: fc.nat({ max: 1 }),
    together: fc.boolean(),
  }),
  { maxLength: 5 },
)

onBothEngines('walking', (server) => {
  for (const name of Object.keys(bodies) as ListName[])
    test(`${name} shows what lives throughout exactly once`, async () => {
      const { operation } = operations.find((one) => one.name === name)!
      const ordered = 'order' in operation.query.properties
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.nat({ max: 1 }), { minLength: 3, maxLength: 8 }),
          fc.integer({ min: 1, max: 4 }),
          ordered ? fc.constantFrom('', '&order=asc', '&order=desc') : fc.constant(''),
          doings,
          async (gaps, limit, order, rounds) => {
            const tenant = await addTenant(server())
            const { params } = await recipe(name).prepare(tenant)
            const path = fill(operation.path, params)
            const add = () => adding(tenant, name, path, params)
            for (const gap of gaps) {
              await add()
              server().world.ahead += gap
            }
            const first = await send(tenant, 'GET', `${path}?limit=100${order}`)
            const alive = new Set<string>(first.data.map(idOf))
            const gone = new Set<string>()
            const removable = first.data.filter(isRemovable).map(idOf) as string[]

            const seen: string[] = []
            for (let after = '', more = true, round = 0; more; round++) {
              const { add: added = 0, remove = [], clock = 0, together = false } = rounds[round] ?? {}
              const at = removable.indexOf(after)
              const leaving = remove
                .map((offset) => removable[at + offset])
                .filter((id) => id && !gone.has(id)) as string[]
              const others = async () => {
                for (let n = 0; n < added; n++) await add()
                for (const id of leaving) await removing(tenant, name, path, id)
              }
              for (const id of leaving) {
                alive.delete(id)
                gone.add(id)
              }
              server().world.ahead += clock
              const ask = () => send(tenant, 'GET', `${path}?limit=${limit}${order}&after=${after}`)
              const [page] = together ? await Promise.all([ask(), others()]) : [(await others(), await ask())]
              const ids = page.data.map(idOf) as string[]
              if (!together) expect(ids.filter((id) => gone.has(id))).toEqual([])
              expect(ids.length).toBeLessThanOrEqual(limit)
              seen.push(...ids)
              more = page.has_more
              after = 'next' in page ? page.next : page.last_id
            }
            expect(seen.length).toBe(new Set(seen).size)
            expect([...alive].filter((id) => !seen.includes(id))).toEqual([])
          },
        ),
        runs(4),
      )
    })
})

const fill = (path: string, params: Params) => path.replace(/\{(\w+)\}/g, (_, name: string) => params[name]!)

const idOf = (item: { id?: string; group_id?: string }) => (item.id ?? item.group_id)!

/** Built-in roles, the owner and the Default project stay. */
const isRemovable = (item: Record<string, unknown>) =>
  !item.predefined_role && item.role !== 'owner' && item.name !== 'Default project' && item.name !== 'First admin key'

async function adding(tenant: Tenant, name: ListName, path: string, params: Params) {
  const body = bodies[name]
  if (body === 'person') await newPerson(tenant)
  else await send(tenant, 'POST', path, await body(tenant, params))
}

const removing = (tenant: Tenant, name: ListName, path: string, id: string) =>
  name === 'projects.list' ? send(tenant, 'POST', `${path}/${id}/archive`) : send(tenant, 'DELETE', `${path}/${id}`)

async function send(tenant: Tenant, method: string, path: string, body?: unknown): Promise<any> {
  const response = await tenant.request(method, path, body, fromPage)
  const answer = await response.json()
  if (response.status !== 200) throw new Error(`${method} ${path} answered ${JSON.stringify(answer)}`)
  return answer
}
