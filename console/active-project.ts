/** Whether a project that a page is filtered by, which may be archived, can have new keys. */
import { organization } from './use-calls.ts'

/** The id of the project if it is there and active; undefined also where the server fails. */
export async function activeProject(project_id: string | null | undefined): Promise<string | undefined> {
  if (!project_id) return undefined
  try {
    return (await organization.projects.list({ ids: [project_id], limit: 1 })).data[0]?.id
  } catch {
    // Then the form begins without a project, and one is chosen there.
    return undefined
  }
}
