/** Removes a person from the organization, after saying which keys stop working. */
import { Confirm } from '../../parts/dialog.tsx'
import { Problem } from '../../parts/problem.tsx'
import { navigate } from '../../place.ts'
import { organization, useAnswer } from '../../use-calls.ts'
import type { Person } from '../person.tsx'

const MOST_SHOWN = 100

export function RemovePerson({ person, onClose }: { person: Person; onClose: () => void }) {
  const { answer, problem } = useAnswer(
    async (options) => {
      const { data, has_more } = await organization.apiKeys.list(
        { kinds: ['project', 'admin'], owner_ids: [person.id], limit: MOST_SHOWN },
        options,
      )
      return { ending: data, isMore: has_more }
    },
    [person.id],
  )
  return (
    <Confirm
      title={`Remove ${person.name || person.email}?`}
      action="Remove"
      onClose={onClose}
      onConfirm={async () => {
        await organization.users.delete(person.id)
        navigate('/people')
      }}
    >
      <p>They lose all roles and memberships, are signed out, and their keys open nothing from then on.</p>
      <Problem problem={problem} />
      {answer && (
        <>
          <p>{answer.ending.length === 0 ? 'They have no keys.' : 'These keys stop working:'}</p>
          <ul class="chosen">
            {answer.ending.map(({ id, name, redacted_value }) => (
              <li key={id}>
                {name} <code>{redacted_value}</code>
              </li>
            ))}
          </ul>
          {answer.isMore && <p>And more.</p>}
        </>
      )}
    </Confirm>
  )
}
