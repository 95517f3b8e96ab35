/** The IP allow lists of the organization, as a table, and the switch of each. */
import type { ComponentChildren } from 'preact'
import { DataTable, type Column } from '../../parts/data-table.tsx'
import { Empty } from '../../parts/empty.tsx'
import type { List, organization } from '../../use-calls.ts'

type OfOrganization = Awaited<ReturnType<typeof organization.ipAllowlists.list>>['data'][number]
type OfProject = Awaited<ReturnType<typeof organization.projects.ipAllowlists.list>>['data'][number]
export type Allowlist = OfOrganization | OfProject

interface Props {
  list: List<Allowlist>
  mayChange: boolean
  /** Called to activate a list that is inactive, and the other way round. */
  onSwitch: (of: Allowlist) => void
  /** Further buttons of a row. */
  actions?: (of: Allowlist) => ComponentChildren
}

export const AllowlistRows = ({ list, mayChange, onSwitch, actions }: Props) => (
  <DataTable
    caption="IP allow lists"
    list={list}
    columns={columns}
    keyOf={({ id }) => id}
    empty={
      <Empty title="There is no IP allow list yet">
        Every address may call. An owner of the organization makes lists under “Security”.
      </Empty>
    }
    actions={
      mayChange &&
      ((one) => (
        <>
          <button type="button" onClick={() => onSwitch(one)}>
            {one.active ? 'Deactivate' : 'Activate'} <span class="visually-hidden">{one.name}</span>
          </button>{' '}
          {actions?.(one)}
        </>
      ))
    }
  />
)

const columns: Column<Allowlist>[] = [
  { title: 'Name', cell: ({ name }) => name },
  {
    title: 'Addresses',
    cell: ({ allowed_ips }) => (
      <ul class="plain">
        {allowed_ips.map((address) => (
          <li key={address}>
            <code>{address}</code>
          </li>
        ))}
      </ul>
    ),
  },
  { title: 'Active', cell: ({ active }) => (active ? 'Yes' : <span class="faint">No</span>) },
]
