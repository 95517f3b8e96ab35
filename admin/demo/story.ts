/** A year and a half in the life of an organization, as rows: the same for the same day. */
import type { ProjectRow, ServiceAccountRow, UserRow } from '../../database/tables.ts'
import type { Happened } from '../audit.ts'
import type { FirstStart } from '../host.ts'
import { Calendar } from './calendar.ts'
import { Chance } from './chance.ts'
import { issueKeys, type DemoKey } from './keys.ts'
import { findOrganization, type Membership } from './organization.ts'

const SEED = 4100

/** Everything that has happened before `today`, a midnight in Unix seconds. */
export function tellStory(today: number, first: FirstStart) {
  const chance = new Chance(SEED)
  const calendar = new Calendar(today, chance)
  const { projects, users, memberships, roles, accounts } = findOrganization(first, calendar, chance)
  const { organization_id } = first
  const keys = issueKeys({ organization_id, projects, memberships, accounts }, calendar, chance)
  return {
    projects,
    users: users.map((user) => ({ ...user, api_key_last_used_at: lastUse(user, keys) })),
    roles,
    accounts,
    keys,
    events: eventsOf(projects, memberships, accounts, keys, chance),
  }
}

function lastUse({ id }: UserRow, keys: DemoKey[]) {
  const times = keys.filter((key) => key.owner_id === id).map((key) => key.last_used_at ?? 0)
  return Math.max(0, ...times) || null
}

/** What the audit log has of all this, oldest first. */
function eventsOf(
  projects: ProjectRow[],
  memberships: Membership[],
  accounts: ServiceAccountRow[],
  keys: DemoKey[],
  chance: Chance,
) {
  const event = (at: number, happened: Omit<Happened, 'id'>) => ({ at, id: chance.id('audit_log-', at), ...happened })
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
