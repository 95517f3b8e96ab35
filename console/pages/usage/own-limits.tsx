/** What limits the requests of a member in a project, with what is used of it now. */
import { Problem } from '../../parts/problem.tsx'
import { StandingLimits } from '../../parts/standing-limits.tsx'
import { organization, useAnswer } from '../../use-calls.ts'

export function OwnLimits({ project_id, name }: { project_id: string; name: string }) {
  const { answer, problem, reload } = useAnswer(
    (options) => organization.me.limits.retrieve(project_id, options),
    [project_id],
  )
  const models = answer?.model_permissions
  return (
    <section class="part" aria-labelledby="limits">
      <h2 id="limits">Limits of {name} now</h2>
      <Problem problem={problem} retry={reload} />
      {models && (
        <p>
          {models.mode === 'allow_list'
            ? 'Its keys may use these models only'
            : 'Its keys may use all models but these'}
          : {models.model_ids.join(', ')}.
        </p>
      )}
      {answer && <StandingLimits of={answer.rate_limits} />}
    </section>
  )
}
