/** What projects, people and keys are called: where nobody knows, by their ids. */
import type { RequestOptions } from '../../../client/index.ts'
import { can, type Me } from '../../session.ts'
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

export function useNames(data: UsageData | undefined, projects: ReadonlyMap<string, string>, me: Me): NameOf {
  const grouping = data?.choice.grouping ?? 'project'
  const isOwn = data?.choice.isOwn ?? false
  const wanted = grouping === 'key' && isOwn ? 'own keys' : grouping
  const asked = grouping === 'person' || grouping === 'key' ? (data?.groups.slice(0, MOST_NAMES) ?? []) : []
  const { answer } = useAnswer(
    async (options) =>
      wanted === 'own keys'
        ? ownKeys(options)
        : Promise.all(asked.map(async (group) => [group.id, await nameOf(group, wanted, me, options)] as const)),
    [wanted, asked.map(({ id }) => id).join(' ')],
  )
  const names = new Map<string, string>([...projects, ...(answer ?? [])])
  return ({ id }) => (id === '' ? without[grouping] : names.get(id) || id)
}

/** Members see their own keys, though not those of their projects. */
async function ownKeys(options: RequestOptions) {
  const { data } = await organization.me.apiKeys.list({ limit: 100 }, options)
  return data.map(({ id, name, redacted_value }) => [id, name || redacted_value] as const)
}

/** Somebody who has left and a key that was revoked keep their ids. */
async function nameOf({ id, project_id }: UsageGroup, grouping: Grouping, me: Me, options: RequestOptions) {
  const { users, projects } = organization
  const inProject = { project_id }
  try {
    if (grouping === 'key') {
      const { name, redacted_value } = await projects.apiKeys.retrieve(id, inProject, options)
      return name || redacted_value
    }
    const isEverybody = can(me, 'api.management.read')
    const { name, email } = await (isEverybody
      ? users.retrieve(id, options)
      : projects.users.retrieve(id, inProject, options))
    return name || email || id
  } catch {
    if (grouping === 'key' || !project_id) return id
  }
  try {
    return (await projects.serviceAccounts.retrieve(id, inProject, options)).name
  } catch {
    return id
  }
}
