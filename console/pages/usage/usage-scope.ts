/** Of whom the person who is signed in may see usage, and how the reports are asked for it. */
import type { NamedProject } from '../../parts/use-project-search.ts'
import { can, canIn, type Me } from '../../session.ts'
import type { Choice } from './usage-choices.ts'

export interface Scope {
  me: Me
  /**
   * The projects in which the person sees what everybody used; null for all of the organization.
   */
  project_ids: readonly string[] | null
  /** Of the projects in which the person holds a role, those of `project_ids`. */
  projects: readonly NamedProject[]
  /** The only project that is shown. */
  fixed: string | null
}

const PERMISSION = 'api.usage.read'

/** Everything that the person may see. */
export function scopeOf(me: Me): Scope {
  const mayReadAll = can(me, PERMISSION)
  const projects = me.projects.filter(({ id }) => canIn(me, id, PERMISSION))
  return { me, project_ids: mayReadAll ? null : projects.map(({ id }) => id), projects, fixed: null }
}

/** What of it belongs to one project. */
export const scopeIn = (me: Me, project_id: string): Scope => ({
  me,
  project_ids: canIn(me, project_id, PERMISSION) ? [project_id] : [],
  projects: [],
  fixed: project_id,
})

/** The projects to choose among; undefined for all of the organization. */
export function amongOf({ me, project_ids, projects }: Scope, isOwn: boolean): readonly NamedProject[] | undefined {
  if (project_ids === null && can(me, 'api.management.read')) return undefined
  return project_ids === null || isOwn ? me.projects : projects
}

/** The project that need not be chosen, because it is the only one; null where there are more. */
export const onlyProject = ({ fixed, project_ids }: Scope, isOwn: boolean): string | null =>
  fixed ?? (!isOwn && project_ids?.length === 1 ? project_ids[0]! : null)

/** Whether the person sees nothing but their own usage. */
export const isOnlyOwn = ({ project_ids }: Scope) => project_ids?.length === 0

export interface Filter {
  project_ids?: string[]
  user_ids?: string[]
}

/** As many as a filter takes. */
const MOST_PROJECTS = 100

/** The filters with which the reports are asked: what they answer, together, is what is chosen. */
export function filtersOf({ isOwn, project_id }: Choice, { me, project_ids }: Scope): Filter[] {
  const ofProject = project_id === null ? {} : { project_ids: [project_id] }
  if (isOwn) return [{ ...ofProject, user_ids: [me.user.id] }]
  if (project_id !== null || project_ids === null) return [ofProject]
  return Array.from({ length: Math.ceil(project_ids.length / MOST_PROJECTS) }, (_, n) => ({
    project_ids: project_ids.slice(n * MOST_PROJECTS, (n + 1) * MOST_PROJECTS),
  }))
}
