/** One key of a project: whose it is, what it may do, and all that happened to it. */
import { useSignal } from '@preact/signals'
import type { PageProps } from '../pages.ts'
import { DataTable, Waiting, type Column } from '../parts/data-table.tsx'
import { DateTime } from '../parts/date-time.tsx'
import { Empty } from '../parts/empty.tsx'
import { LostAccess } from '../parts/key-columns.tsx'
import { Page } from '../parts/page.tsx'
import { Problem } from '../parts/problem.tsx'
import { Rotate } from '../parts/rotate.tsx'
import { hrefOf, navigate } from '../place.ts'
import { useProjectNames } from '../project-names.ts'
import { can, canIn } from '../session.ts'
import { organization, useAnswer, useList } from '../use-calls.ts'
import { Details, From, Who } from './audit/event-cells.tsx'
import { wordsOf, type AuditLog } from './audit/words.ts'
import { KeyButtons } from './inventory/key-buttons.tsx'
import { RevokeMany } from './inventory/revoke-many.tsx'

const { apiKeys } = organization.projects

type Key = Awaited<ReturnType<typeof apiKeys.retrieve>>

export default function KeyPage({ me, params: { project_id = '', id = '' } }: PageProps) {
  const found = useAnswer((options) => apiKeys.retrieve(id, { project_id }, options), [project_id, id])
  const project = useProjectNames([project_id], me.projects).get(project_id) ?? project_id
  const doing = useSignal<'rotate' | 'revoke' | null>(null)
  const key = found.answer
  if (!key)
    return (
      <Page title="Key">
        {found.problem === undefined ? <Waiting /> : <Problem problem={found.problem} retry={found.reload} />}
      </Page>
    )
  const mayChange = can(me, 'api.management.write') || canIn(me, project_id, 'api.management.write')
  const projectPage = `/projects/${encodeURIComponent(project_id)}?tab=keys`
  return (
    <Page
      title={key.name || 'Key without a name'}
      about={<code>{key.redacted_value}</code>}
      actions={
        mayChange && (
          <KeyButtons of={key} onRotate={() => (doing.value = 'rotate')} onRevoke={() => (doing.value = 'revoke')} />
        )
      }
    >
      <Facts of={key} project_id={project_id} project={project} seesPeople={can(me, 'api.management.read')} />
      {can(me, 'api.management.read') && <History of={key} />}
      {doing.value === 'rotate' && (
        <Rotate
          name={key.name}
          rotate={(overlap_seconds) => apiKeys.rotate(id, { project_id, overlap_seconds })}
          onRotated={found.reload}
          onClose={() => (doing.value = null)}
        />
      )}
      {doing.value === 'revoke' && (
        <RevokeMany
          keys={[{ ...key, project_id }]}
          onRevoked={() => navigate(projectPage)}
          onClose={() => (doing.value = null)}
        />
      )}
    </Page>
  )
}

interface FactsProps {
  of: Key
  project_id: string
  project: string
  /** Whether the pages of people are open to the person. */
  seesPeople: boolean
}

function Facts({ of: key, project_id, project, seesPeople }: FactsProps) {
  const { owner, owner_project_access, scopes } = key
  return (
    <dl class="facts">
      <dt>Owner</dt>
      <dd>
        {owner.user ? (
          <Person of={owner.user} isLink={seesPeople} />
        ) : (
          <>
            {owner.service_account!.name} <span class="badge">Service account</span>
          </>
        )}
        {owner_project_access === 'inactive' && <LostAccess />}
      </dd>
      <dt>Project</dt>
      <dd>
        <a href={hrefOf(`/projects/${encodeURIComponent(project_id)}`)}>{project}</a>
      </dd>
      <dt>May</dt>
      <dd>{scopes ? scopes.join(', ') : 'All that its owner may'}</dd>
      <dt>Created</dt>
      <dd>
        <DateTime at={key.created_at} />
      </dd>
      <dt>Last used</dt>
      <dd>
        <DateTime at={key.last_used_at} none="Never" />
      </dd>
      <dt>Expires</dt>
      <dd>
        <DateTime at={key.expires_at} none="Never" />
      </dd>
      <dt>Id</dt>
      <dd>
        <code>{key.id}</code>
      </dd>
    </dl>
  )
}

interface PersonProps {
  of: NonNullable<Key['owner']['user']>
  isLink: boolean
}

function Person({ of: { id, name, email }, isLink }: PersonProps) {
  const called = name || email
  return isLink ? <a href={hrefOf(`/people/${encodeURIComponent(id)}`)}>{called}</a> : <>{called}</>
}

/** It is asked for again with each answer about the key, which may come after a change. */
function History({ of: key }: { of: Key }) {
  const list = useList<AuditLog>(
    (options) => organization.auditLogs.list({ resource_ids: [key.id], limit: 20 }, options),
    [key],
  )
  return (
    <section aria-labelledby="history">
      <h2 id="history">What happened to it</h2>
      <DataTable
        caption="Events"
        list={list}
        columns={columns}
        keyOf={({ id }) => id}
        empty={<Empty title="Nothing is known">Its events are older than the audit log.</Empty>}
      />
    </section>
  )
}

const columns: Column<AuditLog>[] = [
  { title: 'When', cell: ({ effective_at }) => <DateTime at={effective_at} /> },
  { title: 'What', cell: ({ type }) => wordsOf(type) },
  { title: 'Who', cell: (log) => <Who of={log} /> },
  { title: 'From', cell: (log) => <From of={log} /> },
  { title: 'Details', cell: (log) => <Details of={log} /> },
]
