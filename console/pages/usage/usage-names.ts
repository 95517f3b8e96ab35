/** What projects, people and keys are called: where nobody knows, by their ids. */
import type { RequestOptions } from '../../../client/index.ts'
import { organization, useAnswer } from '../../use-calls.ts'
import type { Grouping } from './usage-choices.ts'
import type { UsageData, UsageGroup } from './usage-reports.ts'

export type NameOf = (group: Pick<UsageGroup, 'id'>) => string

/** How many names are asked for: those of the groups with the most. */
const MOST_NAMES = 20

const without: Record<Grouping, string> = {
  project: 'Without a project',
  person: 'Without a person',
  key: 'Without a key',
  model: 'Without a model',
}

export function useNames(data: UsageData | undefined, projects: ReadonlyMap<string, string>): NameOf {
  const grouping = data?.choice.grouping ?? 'project'
  const asked = grouping === 'person' || grouping === 'key' ? (data?.groups.slice(0, MOST_NAMES) ?? []) : []
  const { answer } = useAnswer(
    (options) => Promise.all(asked.map(async (group) => [group.id, await nameOf(group, grouping, options)] as const)),
    [grouping, asked.map(({ id }) => id).join(' ')],
  )
  const names = new Map<string, string>([...projects, ...(answer ?? [])])
  return ({ id }) => (id === '' ? without[grouping] : names.get(id) || id)
}

/** Somebody who has left and a key that was revoked keep their ids. */
async function nameOf({ id, project_id }: UsageGroup, grouping: Grouping, options: RequestOptions): Promise<string> {
  const { users, projects } = organization
  try {
    if (grouping === 'key') {
      const { name, redacted_value } = await projects.apiKeys.retrieve(id, { project_id }, options)
      return name || redacted_value
    }
    const { name, email } = await users.retrieve(id, options)
    return name || email || id
  } catch {
    if (grouping === 'key' || !project_id) return id
  }
  try {
    return (await projects.serviceAccounts.retrieve(id, { project_id }, options)).name
  } catch {
    return id
  }
}
