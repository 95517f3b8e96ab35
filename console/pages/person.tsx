/** One person: what they can reach and why, their keys, and what removing them stops. */
import { useSignal } from '@preact/signals'
import type { PageProps } from '../pages.ts'
import { DataTable, type Column } from '../parts/data-table.tsx'
import { expires, keyName, lastUsed, redactedValue } from '../parts/key-columns.tsx'
import { DateTime } from '../parts/date-time.tsx'
import { Form, SelectField } from '../parts/form.tsx'
import { Page } from '../parts/page.tsx'
import { Problem } from '../parts/problem.tsx'
import { organizationRoles, type OrganizationRole } from '../parts/role-options.ts'
import { can } from '../session.ts'
import { useProjectNames } from '../project-names.ts'
import { organization, useAnswer, useList } from '../use-calls.ts'
import { isOfProject, type InventoryKey } from './inventory/inventory-key.ts'
import { Reach } from './people/reach.tsx'
import { RemovePerson } from './people/remove-person.tsx'

export type Person = Awaited<ReturnType<typeof organization.users.retrieve>>

export default function PersonPage({ me, params: { id = '' } }: PageProps) {
  const { answer: person, problem, reload } = useAnswer((options) => organization.users.retrieve(id, options), [id])
  const access = useAnswer((options) => organization.users.access.retrieve(id, options), [id])
  const isRemoving = useSignal(false)
  if (!person)
    return <Page title="Person">{problem !== undefined && <Problem problem={problem} retry={reload} />}</Page>
  const mayChange = can(me, 'api.management.write')
  return (
    <Page
      title={person.name || person.email!}
      about={
        <>
          {person.email}
          {access.answer && `, ${access.answer.role} of the organization`}, since <DateTime at={person.added_at} />
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
      <Problem problem={access.problem} retry={access.reload} />
      {mayChange && access.answer && (
        <ChangeRole key={access.answer.role} user_id={id} role={access.answer.role} onChanged={access.reload} />
      )}
      {access.answer && (
        <Reach
          access={access.answer}
          name={person.name || person.email!}
          mayChange={mayChange}
          onChanged={access.reload}
        />
      )}
      <KeysOf user_id={person.id} />
      {isRemoving.value && <RemovePerson person={person} onClose={() => (isRemoving.value = false)} />}
    </Page>
  )
}

interface RoleProps {
  user_id: string
  role: OrganizationRole
  onChanged: () => void
}

function ChangeRole({ user_id, role, onChanged }: RoleProps) {
  const chosen = useSignal<string>(role)
  return (
    <Form
      submit="Change the role"
      isDisabled={chosen.value === role}
      onSubmit={async (valueOf) => {
        await organization.users.update(user_id, { role: valueOf('role') })
        onChanged()
      }}
    >
      <SelectField
        label="Role in the organization"
        name="role"
        value={chosen.value}
        options={organizationRoles}
        onChange={(value) => (chosen.value = value)}
      />
    </Form>
  )
}

function KeysOf({ user_id }: { user_id: string }) {
  const list = useList<InventoryKey>(
    (options) => organization.apiKeys.list({ kinds: ['project', 'admin'], owner_ids: [user_id], limit: 50 }, options),
    [user_id],
  )
  const names = useProjectNames(list.items.filter(isOfProject).map(({ project_id }) => project_id))
  return (
    <section aria-labelledby="keys-of">
      <h2 id="keys-of">Keys</h2>
      <DataTable
        caption="Keys"
        list={list}
        columns={columnsWith(names)}
        keyOf={({ id }) => id}
        empty={<p>No keys.</p>}
      />
    </section>
  )
}

const columnsWith = (projects: ReadonlyMap<string, string>): Column<InventoryKey>[] => [
  keyName,
  {
    title: 'Project',
    cell: (key) =>
      isOfProject(key) ? (projects.get(key.project_id) ?? key.project_id) : <span class="badge">Admin key</span>,
  },
  redactedValue,
  lastUsed,
  expires,
]
