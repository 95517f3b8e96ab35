/** The people of the organization. */
import { AddressFilter } from '../../parts/address-filter.tsx'
import { DataTable, type Column } from '../../parts/data-table.tsx'
import { DateTime } from '../../parts/date-time.tsx'
import { Empty } from '../../parts/empty.tsx'
import { hrefOf, place } from '../../place.ts'
import { organization, useList } from '../../use-calls.ts'

type Person = Awaited<ReturnType<typeof organization.users.list>>['data'][number]

export function Members() {
  const email = place.value.query.get('email') ?? ''
  const list = useList<Person>(
    (options) => organization.users.list({ limit: 50, ...(email && { emails: [email] }) }, options),
    [email],
  )
  return (
    <>
      <AddressFilter label="Find by the whole e-mail address" name="email" value={email} maxLength={254} />
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
