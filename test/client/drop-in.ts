/**
 * Calls as people write them for the official SDK. `drop-in.test.ts` compiles this file as it
 * stands, and again with Keyhall's client in the place of `openai`; it also runs it both ways.
 */
import OpenAI, { APIConnectionError, APIError, NotFoundError, RateLimitError } from 'openai'
import type { AdminAPIKey, AdminAPIKeyCreateResponse } from 'openai/resources/admin/organization/admin-api-keys'
import type { OrganizationUser } from 'openai/resources/admin/organization/users/users'
import type { ProjectAPIKey } from 'openai/resources/admin/organization/projects/api-keys'
import type { Project } from 'openai/resources/admin/organization/projects/projects'

type Fetch = (url: string | URL | Request, init?: RequestInit) => Promise<Response>

export async function useEverything(adminAPIKey: string, baseURL: string, fetch: Fetch): Promise<string[]> {
  const client = new OpenAI({
    adminAPIKey,
    baseURL,
    fetch,
    timeout: 20_000,
    maxRetries: 1,
    defaultHeaders: { 'x-team': 'platform', 'x-none': null },
  })
  const { adminAPIKeys, projects, users } = client.admin.organization

  const project: Project = await projects.create({ name: 'Drop-in', residency: 'GLOBAL', external_key_id: null })
  await projects.update(project.id, { name: 'Dropped in' }, { timeout: 5_000, maxRetries: 0 })

  const account = await projects.serviceAccounts.create(project.id, { name: 'robot', expires_in_seconds: 600 })
  const value: string | undefined = account.api_key?.value
  await projects.serviceAccounts.apiKeys.create(account.id, { project_id: project.id, scopes: ['api.model.request'] })
  await projects.serviceAccounts.update(account.id, { project_id: project.id, role: 'owner' })
  await projects.serviceAccounts.retrieve(account.id, { project_id: project.id }, { headers: { 'x-trace': '1' } })

  const seen: ProjectAPIKey[] = []
  for await (const key of projects.apiKeys.list(project.id, { limit: 1, owner_project_access: 'any' })) seen.push(key)
  for await (const key of projects.apiKeys.list(project.id)) seen.push(key)
  for await (const key of await projects.apiKeys.list(project.id, { query: { limit: 1 } })) seen.push(key)

  let page = await projects.apiKeys.list(project.id, { limit: 1 }, { signal: new AbortController().signal })
  const cursor: string = page.last_id
  const more: boolean = page.has_more
  while (page.hasNextPage()) page = await page.getNextPage()
  for await (const each of page.iterPages()) seen.push(...each.data)
  const after = await projects.apiKeys.list(project.id, { after: cursor, limit: more ? 1 : 2 })
  seen.push(...after.data)

  const [first] = seen
  if (!first) throw new Error('No key was listed')
  const owner: string | undefined = first.owner.service_account?.name ?? first.owner.user?.email
  await projects.apiKeys.update(first.id, { project_id: project.id, scopes: ['api.all.read'] })
  const retrieved: ProjectAPIKey = await projects.apiKeys.retrieve(first.id, { project_id: project.id })
  const { deleted } = await projects.apiKeys.delete(first.id, { project_id: project.id })

  const issued: AdminAPIKeyCreateResponse = await adminAPIKeys.create({ name: 'drop-in' })
  const kept: AdminAPIKey = await adminAPIKeys.retrieve(issued.id)
  const all = await adminAPIKeys.list({ order: 'asc', limit: 20 })
  await adminAPIKeys.delete(kept.id)

  const people: OrganizationUser[] = []
  for await (const user of users.list({ emails: ['owner@example.com'] })) people.push(user)
  await users.retrieve(people[0]!.id)

  const { data, response, request_id } = await projects.retrieve(project.id).withResponse()
  const raw: Response = await projects.retrieve(project.id).asResponse()
  const called: string | null | undefined = (await projects.retrieve(project.id))._request_id
  const archived = await projects.archive(project.id)
  const both = await Promise.all([projects.retrieve(project.id), projects.list({ include_archived: true })])

  const refused = await projects
    .retrieve('proj_none')
    .then(() => 'found')
    .catch((error: unknown) => {
      if (error instanceof APIConnectionError || error instanceof RateLimitError) return error.message
      if (!(error instanceof NotFoundError) || !(error instanceof APIError)) throw error
      const { status, code, param, type, requestID, headers } = error
      return [status, code, param, type, requestID === headers.get('x-request-id'), client instanceof OpenAI].join()
    })

  return [
    seen.map(({ name, redacted_value }) => `${name} ${redacted_value.slice(0, 12)}`).join(),
    `${owner} ${retrieved.name} ${deleted} ${value?.slice(0, 11)} ${kept.name} ${all.data.length}`,
    `${data.name} ${response.status} ${request_id?.slice(0, 4)} ${raw.status} ${called?.slice(0, 4)} ${archived.status}`,
    `${both[0].status} ${both[1].data.length} ${refused}`,
  ]
}
