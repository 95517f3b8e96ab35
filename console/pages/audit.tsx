/**
 * The audit log: what was changed in the organization, by whom, and that nobody changed the log.
 */
import { useSignal } from '@preact/signals'
import type { PageProps } from '../pages.ts'
import { DataTable, type Column } from '../parts/data-table.tsx'
import { DateTime } from '../parts/date-time.tsx'
import { Empty } from '../parts/empty.tsx'
import { Page } from '../parts/page.tsx'
import { place } from '../place.ts'
import { can } from '../session.ts'
import { organization, useAnswer, useList } from '../use-calls.ts'
import { Details, From, Project, What, Who } from './audit/event-cells.tsx'
import { AuditFilters } from './audit/audit-filters.tsx'
import { Broken, Proof } from './audit/proof.tsx'
import { queryFrom } from './audit/audit-query.ts'
import type { AuditLog } from './audit/words.ts'

export default function Audit({ me }: PageProps) {
  const { query } = place.value
  const isAllowed = can(me, 'api.management.read')
  const list = useList<AuditLog>((options) => organization.auditLogs.list(queryFrom(query), options), [String(query)])
  const chain = useAnswer(
    async (options) => (isAllowed ? await organization.auditLogs.chain.retrieve(options) : null),
    [],
  )
  const isProving = useSignal(false)
  function prove() {
    chain.reload()
    isProving.value = true
  }
  return (
    <Page
      title="Audit log"
      about="What was changed in the organization, newest first."
      actions={
        isAllowed && (
          <button type="button" onClick={prove}>
            Is it whole?
          </button>
        )
      }
    >
      {chain.answer && <Broken chain={chain.answer} />}
      <AuditFilters />
      <DataTable
        caption="Events"
        list={list}
        columns={columns}
        keyOf={({ id }) => id}
        empty={<Empty title="No such event">Other filters may find more.</Empty>}
      />
      {isProving.value && <Proof chain={chain} onClose={() => (isProving.value = false)} />}
    </Page>
  )
}

const columns: Column<AuditLog>[] = [
  { title: 'When', cell: ({ effective_at }) => <DateTime at={effective_at} /> },
  { title: 'What', cell: (log) => <What of={log} /> },
  { title: 'Who', cell: (log) => <Who of={log} /> },
  { title: 'From', cell: (log) => <From of={log} /> },
  { title: 'Project', cell: (log) => <Project of={log} /> },
  { title: 'Details', cell: (log) => <Details of={log} /> },
]
