/** The people of the organization. */
import { DataTable, type Column } from '../../parts/data-table.tsx'
import { DateTime } from '../../parts/date-time.tsx'
import { Empty } from '../../parts/empty.tsx'
import { TextField } from '../../parts/form.tsx'
import { useFormKey } from '../../parts/use-form-key.ts'
import { hrefOf, place, setQuery } from '../../place.ts'
import { organization, useList } from '../../use-calls.ts'

type Person = Awaited<ReturnType<typeof organization.users.list>>['data'][number]

export function Members() {
  const email = place.value.query.get('email') ?? ''
  const form = useFormKey()
  const list = useList<Person>(
    (options) => organization.users.list({ limit: 50, ...(email && { emails: [email] }) }, options),
    [email],
  )
  return (
    <>
      <form
        key={form.key}
        class="filters"
        onSubmit={(event) => {
          event.preventDefault()
          setQuery({ email: event.currentTarget.querySelector('input')!.value.trim() })
          form.keep()
        }}
      >
        <TextField label="Find by the whole e-mail address" name="email" type="search" value={email} maxLength={254} />
      </form>
      <DataTable
        caption="Members"
        list={list}
        columns={columns}
        keyOf={({ id }) => id}
        empty={<Empty title="Nobody has this address">Leave the field empty to see everybody.</Empty>}
      />
    </>
  )
}

const columns: Column<Person>[] = [
  { title: 'Name', cell: ({ id, name, email }) => <a href={hrefOf(`/people/${id}`)}>{name || email}</a> },
  { title: 'E-mail', cell: ({ email }) => email },
  { title: 'Joined', cell: ({ added_at }) => <DateTime at={added_at} /> },
  { title: 'A key last used', cell: ({ api_key_last_used_at: at }) => <DateTime at={at} none="Never" /> },
]
