/** What a project used and what that cost, by person, key and model. */
import { place } from '../../place.ts'
import type { SectionProps } from '../project.tsx'
import { useBudget } from '../usage/usage-budget.ts'
import { choiceFrom } from '../usage/usage-choices.ts'
import { scopeIn } from '../usage/usage-scope.ts'
import { UsageView } from '../usage/usage-view.tsx'

export function ProjectUsage({ me, project }: SectionProps) {
  const scope = scopeIn(me, project.id)
  const choice = choiceFrom(place.value.query, scope)
  const budget = useBudget(me, project.id, !choice.isOwn)
  return <UsageView choice={choice} scope={scope} cents={budget.answer?.cents ?? null} />
}
