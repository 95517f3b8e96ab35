/**
 * The organization in the databases of the fixtures, made through the API of an older version:
 * people, groups, roles, projects, keys of each kind, invites, and what was deleted or has expired.
 */
import type { Keyhall } from '../../client/index.ts'

/** A key or an invite, and which of the secrets of its kind was drawn for it. */
export interface Made {
  id: string
  kind: 'project' | 'service_account' | 'admin' | 'invite'
  n: number
}

export interface Teller {
  client: Keyhall
  /** Makes the link of an invite on the host. */
  link: (invite_id: string) => Promise<Made>
  accept: (made: Made, name: string) => Promise<{ id: string }>
  /** Asks whether a key opens, which counts as a use. */
  use: (made: Made) => Promise<void>
  /** Sends a model request with a key. */
  complete: (made: Made) => Promise<void>
  /** Notes a key that was just made. Throws when its value is not the derived one. */
  note: (kind: Made['kind'], key: { id: string; value: string }) => Made
  /** Lets an hour pass. */
  anHourLater: () => Promise<void>
}

export async function tellStory(teller: Teller) {
  const { admin } = teller.client
  const search = await admin.organization.projects.create({ name: 'Search' })
  const empty = await admin.organization.projects.create({ name: 'Empty' })
  const archived = await admin.organization.projects.create({ name: 'Archived' })
  const people = await inviteAll(teller)
  await giveRoles(teller, search.id, people)
  await issueKeys(teller, { search: search.id, archived: archived.id }, people)
  await teller.anHourLater()
  await admin.organization.projects.archive(archived.id)
  await admin.organization.projects.update(empty.id, { name: 'Empty, renamed' })
  await admin.organization.users.delete(people.gone)
}

/** What 0.2.0 added: limits, spend, whom to trust, and usage. */
export async function tellMore({ client, complete, note }: Teller) {
  const { projects, workloadIdentityProviders, spendLimit, spendAlerts } = client.admin.organization
  const { id } = await projects.create({ name: 'Limited' })
  const account = await projects.serviceAccounts.create(id, { name: 'spender' })
  const dollars = { currency: 'USD', interval: 'month' } as const
  await projects.spendLimit.update(id, { ...dollars, threshold_amount: 1000 })
  await spendLimit.update({ ...dollars, threshold_amount: 100_000 })
  const notification_channel = { type: 'email' as const, recipients: ['ann@example.com'] }
  await spendAlerts.create({ ...dollars, threshold_amount: 500, notification_channel })
  await projects.modelPermissions.update(id, { mode: 'allow_list', model_ids: [MODEL] })
  const { data } = await projects.rateLimits.listRateLimits(id)
  for (const limit of data)
    if (limit.model === MODEL)
      await projects.rateLimits.updateRateLimit(limit.id, { project_id: id, max_requests_per_1_minute: 7 })
  await workloadIdentityProviders.create({ name: 'Issuer', type: 'oidc', ...issuer })
  const made = note('service_account', account.api_key as { id: string; value: string })
  for (let n = 0; n < 3; n++) await complete(made)
}

/** The model of the fixtures' model server. */
export const MODEL = 'large'

const issuer = { issuer: 'https://issuer.example.com', audience: 'https://keys.example.com' }

interface People {
  ann: string
  bob: string
  cyd: string
  gone: string
}

async function inviteAll({ client, link, accept }: Teller): Promise<People> {
  const { invites } = client.admin.organization
  const join = async (name: string, role: 'owner' | 'reader') => {
    const { id } = await invites.create({ email: `${name}@example.com`, role, projects: [] })
    return (await accept(await link(id), name)).id
  }
  const people = {
    ann: await join('ann', 'reader'),
    bob: await join('bob', 'reader'),
    cyd: await join('cyd', 'owner'),
    gone: await join('gone', 'reader'),
  }
  await link((await invites.create({ email: 'waiting@example.com', role: 'reader', projects: [] })).id)
  const taken = await invites.create({ email: 'taken-back@example.com', role: 'reader' })
  await link(taken.id)
  await invites.delete(taken.id)
  return people
}

async function giveRoles({ client }: Teller, project_id: string, { ann, bob, cyd, gone }: People) {
  const { organization } = client.admin
  const group = await organization.groups.create({ name: 'Engineers' })
  for (const user_id of [cyd, ann, gone]) await organization.groups.users.create(group.id, { user_id })
  await organization.groups.users.delete(cyd, { group_id: group.id })
  await organization.groups.delete((await organization.groups.create({ name: 'Gone' })).id)
  const auditor = await organization.roles.create({ role_name: 'Auditor', permissions: ['api.usage.read'] })
  await organization.users.roles.create(bob, { role_id: auditor.id })
  await organization.roles.delete((await organization.roles.create({ role_name: 'Gone', permissions: [] })).id)
  await organization.projects.groups.create(project_id, { group_id: group.id, role: 'role-api-project-member' })
  await organization.projects.users.create(project_id, { user_id: bob, role: 'member' })
  const reader = { role_name: 'Reads models', permissions: ['api.model.read'] }
  const { id } = await organization.projects.roles.create(project_id, reader)
  await organization.projects.users.roles.create(bob, { project_id, role_id: id })
}

async function issueKeys(teller: Teller, places: { search: string; archived: string }, people: People) {
  const { organization } = teller.client.admin
  const { apiKeys, serviceAccounts } = organization.projects
  const { note, use } = teller
  const issue = async (place: string, user_id: string, more: object = {}) => {
    const made = await apiKeys.create(place, { name: `Key of ${user_id.slice(-4)}`, user_id, ...more })
    return note('project', made as { id: string; value: string })
  }
  await use(await issue(places.search, people.ann))
  await use(await issue(places.search, people.bob, { expires_in_seconds: 60 }))
  await issue(places.search, people.bob, { expires_in_seconds: 30 * 86_400, scopes: ['api.model.read'] })
  await issue(places.search, people.gone)
  const deleted = await issue(places.search, people.bob)
  await apiKeys.delete(deleted.id, { project_id: places.search })
  for (const [place, name] of [
    [places.search, 'indexer'],
    [places.archived, 'archived'],
    [places.search, 'gone'],
  ] as const) {
    const account = await serviceAccounts.create(place, { name })
    await use(note('service_account', account.api_key as { id: string; value: string }))
    if (name === 'gone') await serviceAccounts.delete(account.id, { project_id: place })
  }
  for (const more of [{}, { expires_in_seconds: 60 }, { name: 'Deleted' }]) {
    const made = await organization.adminAPIKeys.create({ name: 'Second', ...more })
    note('admin', made as { id: string; value: string })
    if ('name' in more) await organization.adminAPIKeys.delete(made.id)
  }
}
