/** For whom a key is made: a person of the project, a service account, or a new service account. */
import { organization, useAnswer } from '../../use-calls.ts'
import type { Me } from '../../session.ts'
import { SelectField } from '../../parts/form.tsx'
import { Problem } from '../../parts/problem.tsx'

/** The choice of a service account that is made together with the key. */
export const NEW_ACCOUNT = 'new'

/** How many people and how many service accounts are choices. */
const MOST_OWNERS = 1000

interface Props {
  me: Me
  project_id: string
  onChange: (owner: string) => void
}

export function OwnerField({ me, project_id, onChange }: Props) {
  const { answer, problem, reload } = useAnswer(
    async (options) => {
      const { users, serviceAccounts } = organization.projects
      const [people, accounts] = await Promise.all([
        upTo(MOST_OWNERS, users.list(project_id, { limit: 100 }, options)),
        upTo(MOST_OWNERS, serviceAccounts.list(project_id, { limit: 100 }, options)),
      ])
      return { people, accounts }
    },
    [project_id],
  )
  if (problem !== undefined) return <Problem problem={problem} retry={reload} />
  const options = answer ? optionsOf(me, answer) : [{ value: '', label: 'Loading …' }]
  const isCut = [answer?.people, answer?.accounts].some((owners) => owners?.length === MOST_OWNERS)
  return (
    <SelectField
      label="For"
      name="user_id"
      required
      options={options}
      hint={isCut ? `The newest ${MOST_OWNERS} are listed.` : 'Programs on servers should use a service account’s key.'}
      onChange={onChange}
    />
  )
}

interface Owner {
  id: string
  name: string | null
}

interface Owners {
  people: readonly (Owner & { email?: string | null })[]
  accounts: readonly Owner[]
}

function optionsOf({ user }: Me, { people, accounts }: Owners) {
  // Who owns the organization has access to each project without being a member.
  const isAdded = user.role === 'owner' && !people.some(({ id }) => id === user.id)
  return [
    { value: '', label: 'Choose one' },
    { value: NEW_ACCOUNT, label: 'A new service account' },
    ...accounts.map(({ id, name }) => ({ value: `account:${id}`, label: `${name} (service account)` })),
    ...[...people, ...(isAdded ? [user] : [])].map(({ id, name, email }) => ({
      value: `person:${id}`,
      label: name && email ? `${name} (${email})` : name || email || id,
    })),
  ]
}

/** The first items of a list, however many pages they take. */
async function upTo<Item>(most: number, list: AsyncIterable<Item>): Promise<Item[]> {
  const items: Item[] = []
  for await (const item of list) if (items.push(item) >= most) break
  return items
}

interface Wanted {
  name: string
  expires_in_seconds?: number
}

/** Makes a key for a choice of the field, and answers its value. */
export async function makeFor(owner: string, project_id: string, wanted: Wanted, scopes: string[]): Promise<string> {
  const { apiKeys, serviceAccounts } = organization.projects
  const [kind, id] = owner.split(':')
  if (kind === NEW_ACCOUNT) return (await serviceAccounts.create(project_id, wanted)).api_key!.value
  const { value } = await (kind === 'account'
    ? serviceAccounts.apiKeys.create(id!, { project_id, ...wanted, scopes })
    : apiKeys.create(project_id, { user_id: id!, ...wanted, scopes }))
  return value
}
