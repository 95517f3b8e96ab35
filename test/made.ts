/**
 * Objects that tests need and do not look at, made through the API itself; each with a name that no
 * other of the run has.
 */
import { makeAuthority } from './certificates.ts'
import { MOST_SESSIONS } from '../contract/sessions.ts'
import { linkInvite } from '../admin/invites/link.ts'
import { addPerson, fromPage, testPepper, type Tenant } from './setup.ts'

let made = 0
/** An address that nobody else of the test run has. */
export const uniqueEmail = () => `recipe${++made}@example.com`
/** A name that no other object of the test run has. */
export const unique = (name: string) => `${name} ${++made}`

export async function make<Made = { id: string }>(tenant: Tenant, path: string, body: unknown): Promise<Made> {
  const response = await tenant.request('POST', path, body)
  const answer = await response.json()
  if (response.status !== 200) throw new Error(`POST ${path} answered ${JSON.stringify(answer)}`)
  return answer as Made
}

export const newProject = (tenant: Tenant, body: object = { name: 'Recipe' }) =>
  make(tenant, '/organization/projects', body)

export const newAdminKey = (tenant: Tenant, body: object = {}) =>
  make<{ id: string; value: string }>(tenant, '/organization/admin_api_keys', { name: 'Recipe', ...body })

/** A service account with a key, in a project of its own. */
export async function newServiceAccount(tenant: Tenant) {
  const { id: project_id } = await newProject(tenant)
  const path = `/organization/projects/${project_id}/service_accounts`
  const made = await make<{ id: string; api_key: { id: string; value: string } }>(tenant, path, { name: 'Recipe' })
  return { ...made, project_id }
}

export const newGroup = (tenant: Tenant) => make(tenant, '/organization/groups', { name: unique('Recipe') })

export const newRole = (tenant: Tenant) =>
  make(tenant, '/organization/roles', { role_name: unique('Recipe'), permissions: ['api.usage.read'] })

export const newInvite = (tenant: Tenant, body: object = {}) =>
  make(tenant, '/organization/invites', { email: uniqueEmail(), role: 'reader', ...body })

/** A workload identity provider. An organization has room for fifty, so older ones make way. */
export async function newIdentityProvider(tenant: Tenant, body: object): Promise<string> {
  await leaveRoomForProvider(tenant)
  return (await make(tenant, '/organization/workload_identity_providers', body)).id
}

/** Deletes the oldest providers of the tests where there would be no room for another. */
export async function leaveRoomForProvider(tenant: Tenant) {
  const path = '/organization/workload_identity_providers'
  const list = async (at: string) =>
    ((await (await tenant.request('GET', `${at}?limit=100&order=asc`)).json()) as { data: { id: string }[] }).data
  const providers = await list(path)
  for (const { id } of providers.slice(0, Math.max(0, providers.length - 30))) {
    for (const rule of await list(`${path}/${id}/federation_rules`))
      await tenant.request('DELETE', `${path}/${id}/federation_rules/${rule.id}`)
    await tenant.request('DELETE', `${path}/${id}`)
  }
}

/**
 * A certificate of an authority, not active. An organization has room for fifty, so older ones make
 * way.
 */
export async function newCertificate(tenant: Tenant): Promise<string> {
  await leaveRoomForCertificate(tenant)
  return (await make(tenant, '/organization/certificates', { certificate: makeAuthority().pem })).id
}

/** Deletes the oldest certificates of the tests where there would be no room for another. */
export async function leaveRoomForCertificate(tenant: Tenant) {
  const path = '/organization/certificates'
  const { data } = (await (await tenant.request('GET', `${path}?limit=100&order=asc`)).json()) as {
    data: { id: string }[]
  }
  for (const { id } of data.slice(0, Math.max(0, data.length - 30))) {
    await make(tenant, `${path}/deactivate`, { certificate_ids: [id] })
    for (;;) {
      const deleted = await tenant.request('DELETE', `${path}/${id}`)
      if (deleted.status === 200) break
      const [, project_id] = /active for project (proj_\w+)/.exec(await deleted.text()) ?? []
      await make(tenant, `/organization/projects/${project_id}/certificates/deactivate`, { certificate_ids: [id] })
    }
  }
}

/** The token in the link of an invite, as the operator makes one on the host. */
export async function newInviteToken(tenant: Tenant, invite_id?: string): Promise<string> {
  const id = invite_id ?? (await newInvite(tenant)).id
  return (await linkInvite(tenant.database, [testPepper], tenant.world, id)).token
}

/** A reader of the organization. */
export const newPerson = (tenant: Tenant) => {
  const id = `user-recipe${++made}`
  return addPerson(tenant, { id, email: `${id}@example.com` })
}

/** A key of the owner's own, in a project of its own. */
export async function newOwnKey(tenant: Tenant): Promise<string> {
  const { id: project_id } = await newProject(tenant)
  return (await make(tenant, '/organization/me/api_keys', { project_id, name: 'laptop' })).id
}

/** Signs the owner of an admin key in; by default that of the first. */
export async function newSession(
  tenant: Tenant,
  admin_key = tenant.admin_key,
): Promise<{ id: string; cookie: string }> {
  const response = await tenant.request(
    'POST',
    '/organization/sessions',
    { admin_key },
    { ...fromPage, authorization: '' },
  )
  const answer = (await response.json()) as { id: string }
  if (response.status !== 200) throw new Error(`Signing in answered ${JSON.stringify(answer)}`)
  return { id: answer.id, cookie: response.headers.get('set-cookie')!.split(';')[0]! }
}

/** Gives the owner as many sessions as there can be; those that are added are older than others. */
export async function fillSessions({ database, world, organization_id, owner_id: user_id }: Tenant) {
  const now = Math.floor(world.now() / 1000)
  await database.write(async (sql) => {
    const living = await sql
      .selectFrom('sessions')
      .select('id')
      .where('organization_id', '=', organization_id)
      .where('user_id', '=', user_id)
      .where('ended_at', 'is', null)
      .where('expires_at', '>', now)
      .execute()
    const row = { organization_id, user_id, role: 'owner', method: 'link', created_at: 0, expires_at: now + 3600 }
    const added = Array.from({ length: MOST_SESSIONS - living.length }, () => ({
      ...row,
      id: `sess_filling${++made}`,
      digest: world.random(32),
      last_used_at: now,
    }))
    if (added.length > 0) await sql.insertInto('sessions').values(added).execute()
  })
}
