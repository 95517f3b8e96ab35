/** Looks for projects by a part of their names. */
import { organization, useAnswer } from '../use-calls.ts'

export interface NamedProject {
  id: string
  name: string
}

export interface Searched {
  /** The projects to look among; all of the organization by default. */
  among?: readonly NamedProject[] | undefined
  /** Archived projects too. */
  withArchived?: boolean
}

export interface ProjectSearch {
  projects: readonly NamedProject[]
  /** Whether there are more than those that are shown. */
  hasMore: boolean
  isLoading: boolean
  problem: unknown
  retry: () => void
}

const MOST_SHOWN = 20
/** How long the server is not asked while somebody types on. */
const PAUSE_MILLISECONDS = 150

const nothing: readonly NamedProject[] = []

/** The newest projects with a text in their names; none for null, which asks nothing. */
export function useProjectSearch(text: string | null, { among, withArchived = false }: Searched): ProjectSearch {
  const wanted = text?.trim() ?? null
  const { answer, isCurrent, problem, reload } = useAnswer(
    async (options) => {
      if (wanted === null) return { data: nothing, has_more: false }
      if (among) return searchAmong(among, wanted)
      if (wanted !== '') await new Promise((resume) => setTimeout(resume, PAUSE_MILLISECONDS))
      options.signal?.throwIfAborted()
      const query = { limit: MOST_SHOWN, include_archived: withArchived, ...named(wanted) }
      return await organization.projects.list(query, options)
    },
    [wanted, among],
  )
  return {
    projects: answer?.data ?? nothing,
    hasMore: answer?.has_more ?? false,
    isLoading: !isCurrent,
    problem,
    retry: reload,
  }
}

/** Somebody may also paste an id. */
const named = (text: string) => (text.startsWith('proj_') ? { ids: [text] } : text && { name: text })

function searchAmong(projects: readonly NamedProject[], text: string) {
  const found = projects.filter(({ id, name }) => id === text || name.toLowerCase().includes(text.toLowerCase()))
  return { data: found.slice(0, MOST_SHOWN), has_more: found.length > MOST_SHOWN }
}
