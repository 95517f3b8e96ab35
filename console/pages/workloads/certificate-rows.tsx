/** Certificates of authorities as a table, and the switch of each, here and in one project. */
import type { ComponentChildren } from 'preact'
import { DataTable, type Column } from '../../parts/data-table.tsx'
import { DateTime } from '../../parts/date-time.tsx'
import { Empty } from '../../parts/empty.tsx'
import type { List, organization } from '../../use-calls.ts'

type OfOrganization = Awaited<ReturnType<typeof organization.certificates.list>>['data'][number]
type Certificate = Pick<OfOrganization, 'id' | 'name' | 'active' | 'created_at' | 'certificate_details'>

interface Props<Row> {
  list: List<Row>
  mayChange: boolean
  /** Called to activate one that is inactive, and the other way round. */
  onSwitch: (of: Row) => void
  /** Further buttons of a row. */
  actions?: (of: Row) => ComponentChildren
  /** What to do while there is none. */
  empty: ComponentChildren
}

export const CertificateRows = <Row extends Certificate>({ list, mayChange, onSwitch, actions, empty }: Props<Row>) => (
  <DataTable
    caption="Certificates"
    list={list}
    columns={columns}
    keyOf={({ id }) => id}
    empty={<Empty title="There is no certificate">{empty}</Empty>}
    actions={
      mayChange &&
      ((one) => (
        <>
          <button type="button" onClick={() => onSwitch(one)}>
            {one.active ? 'Deactivate' : 'Activate'} <span class="visually-hidden">{nameOf(one)}</span>
          </button>{' '}
          {actions?.(one)}
        </>
      ))
    }
  />
)

/** A certificate need not have a name. */
export const nameOf = ({ id, name }: Pick<Certificate, 'id' | 'name'>) => name || id

const columns: Column<Certificate>[] = [
  {
    title: 'Name',
    cell: (one) => (
      <>
        {nameOf(one)}
        {one.active && <span class="badge">Active</span>}
      </>
    ),
  },
  { title: 'Uploaded', cell: ({ created_at }) => <DateTime at={created_at} /> },
  { title: 'Expires', cell: ({ certificate_details: { expires_at } }) => <DateTime at={expires_at} /> },
]
