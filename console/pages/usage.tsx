/** What was used and what it cost, by project, person, key and model, and the budget. */
import { useMemo } from 'preact/hooks'
import type { PageProps } from '../pages.ts'
import { Page } from '../parts/page.tsx'
import { place } from '../place.ts'
import { useProjectNames } from '../project-names.ts'
import { can, type Me } from '../session.ts'
import { OwnLimits } from './usage/own-limits.tsx'
import { SpendSection } from './usage/spend-section.tsx'
import { mayReadBudget, useBudget } from './usage/usage-budget.ts'
import { choiceFrom } from './usage/usage-choices.ts'
import { isOnlyOwn, scopeOf } from './usage/usage-scope.ts'
import { UsageView } from './usage/usage-view.tsx'

/** What people see here who own nothing is what they used themselves. */
export default function Usage({ me }: PageProps) {
  const scope = useMemo(() => scopeOf(me), [me])
  const choice = choiceFrom(place.value.query, scope)
  const { project_id, isOwn } = choice
  const mayReadAll = can(me, 'api.management.read')
  const budget = useBudget(me, project_id, !isOwn)
  const names = useProjectNames(mayReadAll && project_id !== null ? [project_id] : [], me.projects)
  const limited = limitedProject(me, project_id)
  const what = isOnlyOwn(scope) ? 'What your keys used' : 'What went through the gateway'
  return (
    <Page title="Usage and spend" about={`${what}. Days and months are those of UTC.`}>
      <UsageView choice={choice} scope={scope} cents={budget.answer?.cents ?? null} />
      {isOwn && limited !== null && (
        <OwnLimits key={limited} project_id={limited} name={names.get(limited) ?? limited} />
      )}
      {!isOwn && mayReadBudget(me, project_id) && (
        <SpendSection
          project_id={project_id}
          name={project_id === null ? 'the organization' : (names.get(project_id) ?? project_id)}
          budget={budget}
          mayRead={mayReadAll}
          mayChange={can(me, 'api.management.write')}
        />
      )}
    </Page>
  )
}

/**
 * The project whose limits hold for what the person does: the one that is chosen, or the only one.
 * Null where the server would not tell them: only those are told who hold a role in the project or
 * may read the whole organization.
 */
function limitedProject(me: Me, project_id: string | null): string | null {
  if (project_id === null) return me.projects.length === 1 ? me.projects[0]!.id : null
  const mayKnow = can(me, 'api.management.read') || me.projects.some(({ id }) => id === project_id)
  return mayKnow ? project_id : null
}
