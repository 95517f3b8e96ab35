/** One person: what they can reach and why, their keys, and what removing them stops. */
import { useSignal } from '@preact/signals'
import type { PageProps } from '../pages.ts'
import { DataTable, type Column } from '../parts/data-table.tsx'
import { DateTime } from '../parts/date-time.tsx'
import { Form, SelectField } from '../parts/form.tsx'
import { Page } from '../parts/page.tsx'
import { Problem } from '../parts/problem.tsx'
import { can } from '../session.ts'
import { organization, useAnswer, useList } from '../use-calls.ts'
import { Reach } from './people/reach.tsx'
import { RemovePerson } from './people/remove-person.tsx'

export type Person = Awaited<ReturnType<typeof organization.users.retrieve>>
type Key = Awaited<ReturnType<typeof organization.apiKeys.list>>['data'][number]

export default function PersonPage({ me, params: { id = '' } }: PageProps) {
  const { answer: person, problem, reload } = useAnswer((options) => organization.users.retrieve(id, options), [id])
  const isRemoving = useSignal(false)
  if (!person)
    return <Page title="Person">{problem !== undefined && <Problem problem={problem} retry={reload} />}</Page>
  const mayChange = can(me, 'api.management.write')
  return (
    <Page
      title={person.name || person.email!}
      about={
        <>
          {person.email}, {person.role} of the organization, since <DateTime at={person.added_at} />
        </>
      }
      actions={
        mayChange && (
          <button type="button" class="danger" onClick={() => (isRemoving.value = true)}>
            Remove
          </button>
        )
      }
    >
      {mayChange && <ChangeRole key={person.role} person={person} onChanged={reload} />}
      <Reach user_id={person.id} />
      <KeysOf user_id={person.id} />
      {isRemoving.value && <RemovePerson person={person} onClose={() => (isRemoving.value = false)} />}
    </Page>
  )
}

const roles = [
  { value: 'owner', label: 'Owner' },
  { value: 'reader', label: 'Reader' },
  { value: 'member', label: 'Member: only their own projects and keys' },
]

const ChangeRole = ({ person, onChanged }: { person: Person; onChanged: () => void }) => (
  <Form
    submit="Change the role"
    onSubmit={async (valueOf) => {
      await organization.users.update(person.id, { role: valueOf('role') })
      onChanged()
    }}
  >
    <SelectField label="Role in the organization" name="role" value={person.role} options={roles} />
  </Form>
)

function KeysOf({ user_id }: { user_id: string }) {
  const list = useList<Key>(
    (options) => organization.apiKeys.list({ owner_ids: [user_id], limit: 50 }, options),
    [user_id],
  )
  return (
    <section aria-labelledby="keys-of">
      <h2 id="keys-of">Keys</h2>
      <DataTable caption="Keys" list={list} columns={columns} keyOf={({ id }) => id} empty={<p>No keys.</p>} />
    </section>
  )
}

const columns: Column<Key>[] = [
  { title: 'Name', cell: ({ name }) => name || <span class="faint">Without a name</span> },
  { title: 'Project', cell: ({ project_id }) => project_id },
  { title: 'Key', cell: ({ redacted_value }) => <code>{redacted_value}</code> },
  { title: 'Last used', cell: ({ last_used_at }) => <DateTime at={last_used_at} none="Never" /> },
  { title: 'Expires', cell: ({ expires_at }) => <DateTime at={expires_at} none="Never" /> },
]
