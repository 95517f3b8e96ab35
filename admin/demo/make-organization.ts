/**
 * Makes the projects, people, memberships and service accounts of the demo.
 */
import type { ProjectRow, RoleAssignmentRow, ServiceAccountRow, UserRow } from '../../database/tables.ts'
import type { FirstStart } from '../bootstrap.ts'
import { DAY, type Calendar } from './calendar.ts'
import type { SeededRandom } from './seeded-random.ts'
import * as names from './names.ts'

/** A membership of a person in a project. */
export interface Membership {
  user: UserRow
  project: ProjectRow
  role: string
  joined_at: number
  /** When this person lost access to the project; null for those who have it. */
  left_at: number | null
}

export function makeOrganization(first: FirstStart, calendar: Calendar, random: SeededRandom) {
  const { organization_id, owner_id } = first
  const firstProject = defaultProject(first, calendar)
  const projects = makeProjects(firstProject, calendar, random)
  const users = makePeople(organization_id, calendar, random)
  const memberships = makeMemberships(users, firstProject, projects, calendar, random)
  const roles = makeRoles(organization_id, owner_id, { projects, users, memberships })
  const accounts = projects.flatMap((project) => makeAccounts(project, random))
  return { projects, users, memberships, roles, accounts }
}

const defaultProject = ({ organization_id, project_id }: FirstStart, calendar: Calendar): ProjectRow => ({
  organization_id,
  id: project_id,
  name: 'Default project',
  is_default: 1,
  residency: 'GLOBAL',
  external_key_id: null,
  created_at: calendar.began,
  archived_at: null,
})

const makeProjects = (firstProject: ProjectRow, calendar: Calendar, random: SeededRandom) =>
  Object.keys(names.projects).map((name, index): ProjectRow => {
    const created_at = calendar.on(3 + index * 60)
    const archived_at = name === 'Hackathon' ? calendar.on(330) : null
    return { ...firstProject, id: random.id('proj_', created_at), name, is_default: 0, created_at, archived_at }
  })

const makePeople = (organization_id: string, calendar: Calendar, random: SeededRandom) =>
  names.people.map((name, index): UserRow => {
    const created_at = calendar.on(1 + index * 11)
    return {
      organization_id,
      id: random.id('user-', created_at),
      email: `${name.toLowerCase().replace(' ', '.')}@example.com`,
      name,
      created_at,
      api_key_last_used_at: null,
      technical_level: null,
      developer_persona: null,
      // Three who came early have left the organization.
      deleted_at: [2, 7, 12].includes(index) ? calendar.on(360 + index * 9) : null,
    }
  })

function makeMemberships(
  users: UserRow[],
  firstProject: ProjectRow,
  projects: ProjectRow[],
  calendar: Calendar,
  random: SeededRandom,
): Membership[] {
  const all = users.flatMap((user, index): Membership[] => {
    const own = projects[index % projects.length]!
    const next = random.percent(60) ? [projects[(index + 1) % projects.length]!] : []
    const shared = random.percent(30) ? [firstProject] : []
    return [own, ...next, ...shared].map((project) => {
      const joined_at = Math.max(user.created_at, project.created_at) + random.between(60, 5 * 3600)
      // Every seventh person has left the first project and kept the others.
      const moved = index % 7 === 3 && project === own ? calendar.between(joined_at + 30 * DAY, calendar.today) : null
      const role = random.of(['owner', 'viewer', 'member', 'member', 'member', 'member'])
      return { user, project, role, joined_at, left_at: user.deleted_at ?? moved }
    })
  })
  return all.filter(
    ({ joined_at, project, left_at }) => joined_at + DAY < (left_at ?? project.archived_at ?? calendar.today),
  )
}

function makeRoles(
  organization_id: string,
  owner_id: string,
  { projects, users, memberships }: { projects: ProjectRow[]; users: UserRow[]; memberships: Membership[] },
): RoleAssignmentRow[] {
  const held = (principal_id: string, resource_id: string, role: string, created_at: number): RoleAssignmentRow => ({
    organization_id,
    resource_id,
    principal_id,
    role,
    created_at,
    created_by: owner_id,
  })
  return [
    ...projects.map((project) => held(owner_id, project.id, 'owner', project.created_at)),
    ...users
      .filter((user) => user.deleted_at === null)
      .map((user, index) => held(user.id, organization_id, index === 4 ? 'owner' : 'reader', user.created_at)),
    ...memberships
      .filter(({ left_at }) => left_at === null)
      .map(({ user, project, role, joined_at }) => held(user.id, project.id, role, joined_at)),
  ]
}

const makeAccounts = (project: ProjectRow, random: SeededRandom) =>
  names.projects[project.name]!.map((name, index): ServiceAccountRow => {
    const created_at = project.created_at + index * 9 * DAY + random.between(600, 7200)
    return {
      organization_id: project.organization_id,
      project_id: project.id,
      id: random.id('user-', created_at),
      name,
      // The judge was made without a key, and has none.
      role: name === 'judge' ? 'none' : 'member',
      created_at,
      deleted_at: null,
    }
  })
