/** The projects in which the person who is signed in may make keys. */
import { organization, useAnswer } from './use-calls.ts'
import { can, type Me } from './session.ts'

export interface OwnProject {
  id: string
  name: string
}

interface OwnProjects {
  projects: readonly OwnProject[]
  /** Whether all of them are there. */
  isKnown: boolean
  problem: unknown
  retry: () => void
}

const MOST_PROJECTS = 100

/**
 * Those in which the person holds a role that permits it. Who may do so in the whole organization
 * can choose among all of its projects.
 */
export function useOwnProjects(me: Me): OwnProjects {
  const own = me.projects.filter(({ can_create_keys }) => can_create_keys)
  const mayEverywhere = can(me, 'api.model.request') && can(me, 'api.management.read')
  const others = useAnswer(
    async (options) =>
      mayEverywhere ? (await organization.projects.list({ limit: MOST_PROJECTS }, options)).data : [],
    [mayEverywhere],
  )
  const known = new Set(own.map(({ id }) => id))
  return {
    projects: [...own, ...(others.answer ?? []).filter(({ id }) => !known.has(id))],
    isKnown: others.answer !== undefined,
    problem: others.problem,
    retry: others.reload,
  }
}
