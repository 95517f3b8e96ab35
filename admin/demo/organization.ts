/** Who and what there is in the demo: projects, people, their places in projects, service accounts. */
import type { ProjectRow, RoleAssignmentRow, ServiceAccountRow, UserRow } from '../../database/tables.ts'
import type { FirstStart } from '../host.ts'
import { DAY, type Calendar } from './calendar.ts'
import type { Chance } from './chance.ts'
import * as names from './names.ts'

/** A person's place in a project. */
export interface Membership {
  user: UserRow
  project: ProjectRow
  role: string
  joined_at: number
  /** When this person lost access to the project; null for those who have it. */
  left_at: number | null
}

export function findOrganization(first: FirstStart, calendar: Calendar, chance: Chance) {
  const { organization_id, owner_id } = first

  const firstProject: ProjectRow = {
    organization_id,
    id: first.project_id,
    name: 'Default project',
    is_default: 1,
    residency: 'GLOBAL',
    external_key_id: null,
    created_at: calendar.began,
    archived_at: null,
  }
  const projects = Object.keys(names.projects).map((name, index): ProjectRow => {
    const created_at = calendar.on(3 + index * 60)
    const archived_at = name === 'Hackathon' ? calendar.on(330) : null
    return { ...firstProject, id: chance.id('proj_', created_at), name, is_default: 0, created_at, archived_at }
  })

  const users = names.people.map((name, index): UserRow => {
    const created_at = calendar.on(1 + index * 11)
    return {
      organization_id,
      id: chance.id('user-', created_at),
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

  const memberships = users
    .flatMap((user, index): Membership[] => {
      const own = projects[index % projects.length]!
      const next = chance.percent(60) ? [projects[(index + 1) % projects.length]!] : []
      const shared = chance.percent(30) ? [firstProject] : []
      return [own, ...next, ...shared].map((project) => {
        const joined_at = Math.max(user.created_at, project.created_at) + chance.between(60, 5 * 3600)
        // Every seventh has moved on from the first project and kept the others.
        const moved = index % 7 === 3 && project === own ? calendar.amid(joined_at + 30 * DAY, calendar.today) : null
        const role = chance.of(['owner', 'viewer', 'member', 'member', 'member', 'member'])
        return { user, project, role, joined_at, left_at: user.deleted_at ?? moved }
      })
    })
    .filter(({ joined_at, project, left_at }) => joined_at + DAY < (left_at ?? project.archived_at ?? calendar.today))

  const held = (principal_id: string, resource_id: string, role: string, created_at: number): RoleAssignmentRow => ({
    organization_id,
    resource_id,
    principal_id,
    role,
    created_at,
    created_by: owner_id,
  })
  const roles = [
    ...projects.map((project) => held(owner_id, project.id, 'owner', project.created_at)),
    ...users
      .filter((user) => user.deleted_at === null)
      .map((user, index) => held(user.id, organization_id, index === 4 ? 'owner' : 'reader', user.created_at)),
    ...memberships
      .filter(({ left_at }) => left_at === null)
      .map(({ user, project, role, joined_at }) => held(user.id, project.id, role, joined_at)),
  ]

  const accounts = projects.flatMap((project) =>
    names.projects[project.name]!.map((name, index): ServiceAccountRow => {
      const created_at = project.created_at + index * 9 * DAY + chance.between(600, 7200)
      return {
        organization_id,
        project_id: project.id,
        id: chance.id('user-', created_at),
        name,
        // The judge was made without a key, and has none.
        role: name === 'judge' ? 'none' : 'member',
        created_at,
        deleted_at: null,
      }
    }),
  )
  return { projects, users, memberships, roles, accounts }
}
