/** The budget of what is chosen, as far as the person who is signed in may know it. */
import { NotFoundError } from '../../../client/index.ts'
import { can, canIn, type Me } from '../../session.ts'
import { organization, useAnswer, type Answered } from '../../use-calls.ts'

export type Budget = Pick<Answered<{ cents: number | null }>, 'answer' | 'problem' | 'reload'>

/**
 * What may be spent in a month in the organization or a project, as far as the person may know. The
 * API answers that nothing is there where the organization has no limit.
 */
export function useBudget(me: Me, project_id: string | null, isShown: boolean): Budget {
  const mayRead = mayReadBudget(me, project_id)
  const asked = useAnswer(
    async (options) => {
      if (!isShown || !mayRead) return { cents: null }
      if (project_id !== null)
        return {
          cents: (await organization.projects.limits.retrieve(project_id, options)).spend.project.threshold_amount,
        }
      try {
        return { cents: (await organization.spendLimit.retrieve(options)).threshold_amount }
      } catch (problem) {
        if (problem instanceof NotFoundError) return { cents: null }
        throw problem
      }
    },
    [project_id, isShown, mayRead],
  )
  // That of another project must not stand under the name of this one.
  return asked.isCurrent ? asked : { ...asked, answer: undefined }
}

const READ = 'api.management.read'

/** Whether the person may know the budget of a project, or of the organization for null. */
export const mayReadBudget = (me: Me, project_id: string | null) =>
  project_id === null ? can(me, READ) : canIn(me, project_id, READ)
