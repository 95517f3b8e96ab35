/** The rows of the demo: a year and a half of history, the same for the same day. */
import type { ProjectRow, ServiceAccountRow, UserRow } from '../../database/tables.ts'
import type { RecordedEvent } from '../audit-chain.ts'
import type { FirstStart } from '../bootstrap.ts'
import { Calendar } from './calendar.ts'
import { SeededRandom } from './seeded-random.ts'
import { makeKeys, type DemoKey } from './make-keys.ts'
import { makeUsage } from './make-usage.ts'
import { makeOrganization, type Membership } from './make-organization.ts'

const SEED = 4100

/** All rows up to `today`, a midnight in Unix seconds. */
export function demoRows(today: number, first: FirstStart) {
  const random = new SeededRandom(SEED)
  const calendar = new Calendar(today, random)
  const { projects, users, memberships, roles, accounts } = makeOrganization(first, calendar, random)
  const { organization_id } = first
  const keys = makeKeys({ organization_id, projects, memberships, accounts }, calendar, random)
  return {
    projects,
    users: users.map((user) => ({ ...user, api_key_last_used_at: lastUse(user, keys) })),
    roles,
    accounts,
    keys,
    // From numbers of its own, so that more usage changes nothing else.
    usage: makeUsage(keys, today, new SeededRandom(SEED + 1)),
    events: eventsOf(projects, memberships, accounts, keys, random),
  }
}

function lastUse({ id }: UserRow, keys: DemoKey[]) {
  const times = keys.filter((key) => key.owner_id === id).map((key) => key.last_used_at ?? 0)
  return Math.max(0, ...times) || null
}

/** The audit events for these rows, oldest first. */
function eventsOf(
  projects: ProjectRow[],
  memberships: Membership[],
  accounts: ServiceAccountRow[],
  keys: DemoKey[],
  random: SeededRandom,
) {
  const event = (at: number, happened: Omit<RecordedEvent, 'id'>) => ({
    at,
    id: random.id('audit_log-', at),
    ...happened,
  })
  return [
    ...projects.map(({ id, name, created_at }) =>
      event(created_at, { type: 'project.created', payload: { id, data: { name, title: name } }, project_id: id }),
    ),
    ...projects.flatMap(({ id, archived_at }) =>
      archived_at === null ? [] : [event(archived_at, { type: 'project.archived', payload: { id }, project_id: id })],
    ),
    ...memberships.map(({ user: { id }, project, role, joined_at }) =>
      event(joined_at, { type: 'user.added', payload: { id, data: { role } }, project_id: project.id }),
    ),
    ...memberships.flatMap(({ user: { id }, project, left_at }) =>
      left_at === null ? [] : [event(left_at, { type: 'user.deleted', payload: { id }, project_id: project.id })],
    ),
    ...accounts.map(({ id, role, project_id, created_at }) =>
      event(created_at, { type: 'service_account.created', payload: { id, data: { role } }, project_id }),
    ),
    ...keys.map(({ id, scopes, project_id, created_at }) => {
      const data = { scopes: JSON.parse(scopes) as string[] }
      return event(created_at, { type: 'api_key.created', payload: { id, data }, project_id })
    }),
  ].toSorted((one, other) => one.at - other.at)
}
