/** The keys of a project, with a way to all filters. */
import { DataTable, type Column } from '../../parts/data-table.tsx'
import { DateTime } from '../../parts/date-time.tsx'
import { hrefOf } from '../../place.ts'
import { organization, useList } from '../../use-calls.ts'
import type { SectionProps } from '../project.tsx'

type Key = Awaited<ReturnType<typeof organization.projects.apiKeys.list>>['data'][number]

export function ProjectKeys({ project: { id } }: SectionProps) {
  const list = useList<Key>(
    (options) => organization.projects.apiKeys.list(id, { limit: 50, owner_project_access: 'any' }, options),
    [id],
  )
  return (
    <>
      <p>
        <a href={hrefOf(`/keys?project_id=${encodeURIComponent(id)}`)}>Filter, rotate and revoke these keys</a>
      </p>
      <DataTable
        caption="Keys"
        list={list}
        columns={columns}
        keyOf={({ id }) => id}
        empty={<p>There is no key yet. People make their own, and service accounts get theirs here.</p>}
      />
    </>
  )
}

const columns: Column<Key>[] = [
  { title: 'Name', cell: ({ name }) => name || <span class="faint">Without a name</span> },
  {
    title: 'Owner',
    cell: ({ owner, owner_project_access }) => (
      <>
        {(owner.user ?? owner.service_account)!.name}
        {owner_project_access === 'inactive' && <span class="badge">Has left</span>}
      </>
    ),
  },
  { title: 'Key', cell: ({ redacted_value }) => <code>{redacted_value}</code> },
  { title: 'Last used', cell: ({ last_used_at }) => <DateTime at={last_used_at} none="Never" /> },
  { title: 'Expires', cell: ({ expires_at }) => <DateTime at={expires_at} none="Never" /> },
]
