/**
 * All keys of the organization, of projects and of the administration: found by filters, chosen,
 * rotated and revoked.
 */
import { useSignal, type Signal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import { hrefOf, place } from '../place.ts'
import { organization, useAnswer, useList } from '../use-calls.ts'
import type { PageProps } from '../pages.ts'
import { DataTable, type Column } from '../parts/data-table.tsx'
import { created, expires, keyName, lastUsed, redactedValue } from '../parts/key-columns.tsx'
import { Empty } from '../parts/empty.tsx'
import { Page } from '../parts/page.tsx'
import { Rotate } from '../parts/rotate.tsx'
import { can } from '../session.ts'
import { FilterBar } from './inventory/filter-bar.tsx'
import { KeyButtons } from './inventory/key-buttons.tsx'
import { isOfProject, ownerOf, type InventoryKey, type ProjectKey } from './inventory/inventory-key.ts'
import { queryFrom } from './inventory/query.ts'
import { RevokeMany } from './inventory/revoke-many.tsx'

const MOST_PROJECTS = 100

export default function Keys({ me }: PageProps) {
  const { query } = place.value
  const mayChange = can(me, 'api.management.write')
  const list = useList<InventoryKey>((options) => organization.apiKeys.list(queryFrom(query), options), [String(query)])
  const projects = useAnswer(
    (options) => organization.projects.list({ limit: MOST_PROJECTS, include_archived: true }, options),
    [],
  )
  const names = new Map(projects.answer?.data.map(({ id, name }) => [id, name]))
  const chosen = useSignal<ReadonlyMap<string, InventoryKey>>(new Map())
  const revoking = useSignal<readonly InventoryKey[] | null>(null)
  const rotating = useSignal<ProjectKey | null>(null)
  // Otherwise the pages that were loaded stay.
  const wasRevoked = useRef(false)
  return (
    <Page title="Keys" about="The keys of all projects, and the admin keys of the organization.">
      <FilterBar projects={projects.answer?.data ?? []} />
      {mayChange && <ChosenKeys chosen={[...chosen.value.values()]} onRevoke={(keys) => (revoking.value = keys)} />}
      <DataTable
        caption="Keys"
        list={list}
        columns={columnsWith(names)}
        keyOf={({ id }: InventoryKey) => id}
        empty={<Empty title="No such key">Other filters may find more.</Empty>}
        {...(mayChange && {
          actions: (key: InventoryKey) => (
            <KeyButtons
              of={key}
              onRotate={isOfProject(key) ? () => (rotating.value = key) : undefined}
              onRevoke={() => (revoking.value = [key])}
            />
          ),
          selection: selectionIn(chosen),
        })}
      />
      {revoking.value && (
        <RevokeMany
          keys={revoking.value}
          onRevoked={(id) => {
            unchoose(chosen, id)
            wasRevoked.current = true
          }}
          onClose={() => {
            revoking.value = null
            if (wasRevoked.current) list.reload()
            wasRevoked.current = false
          }}
        />
      )}
      {rotating.value && (
        <RotateKey of={rotating.value} onRotated={list.reload} onClose={() => (rotating.value = null)} />
      )}
    </Page>
  )
}

type Chosen = Signal<ReadonlyMap<string, InventoryKey>>

const unchoose = (chosen: Chosen, id: string) =>
  (chosen.value = new Map([...chosen.value].filter(([one]) => one !== id)))

const selectionIn = (chosen: Chosen) => ({
  nameOf: ({ name, redacted_value }: InventoryKey) => name || redacted_value,
  has: ({ id }: InventoryKey) => chosen.value.has(id),
  set(key: InventoryKey, isChosen: boolean) {
    if (isChosen) chosen.value = new Map([...chosen.value, [key.id, key]])
    else unchoose(chosen, key.id)
  },
})

interface RotateProps {
  of: ProjectKey
  onRotated: () => void
  onClose: () => void
}

const RotateKey = ({ of: { id, project_id, name }, ...others }: RotateProps) => (
  <Rotate
    name={name}
    rotate={(overlap_seconds) => organization.projects.apiKeys.rotate(id, { project_id, overlap_seconds })}
    {...others}
  />
)

function ChosenKeys({
  chosen,
  onRevoke,
}: {
  chosen: readonly InventoryKey[]
  onRevoke: (keys: readonly InventoryKey[]) => void
}) {
  return (
    <p class="chosen-keys" role="status">
      {chosen.length === 0 ? 'No key is chosen.' : `${chosen.length} chosen.`}{' '}
      <button type="button" class="danger" disabled={chosen.length === 0} onClick={() => onRevoke(chosen)}>
        Revoke the chosen keys
      </button>
    </p>
  )
}

const columnsWith = (projects: ReadonlyMap<string, string>): Column<InventoryKey>[] => [
  {
    title: 'Name',
    cell: (key) => (
      <>
        {keyName.cell(key)}
        {!isOfProject(key) && <span class="badge">Admin key</span>}
      </>
    ),
  },
  {
    title: 'Owner',
    cell: (key) => (
      <>
        {ownerOf(key).name}
        {key.owner.type === 'service_account' && <span class="badge">Service account</span>}
      </>
    ),
  },
  {
    title: 'Project',
    cell: (key) =>
      isOfProject(key) ? (
        <a href={hrefOf(`/projects/${encodeURIComponent(key.project_id)}`)}>
          {projects.get(key.project_id) ?? key.project_id}
        </a>
      ) : (
        <span class="faint">The organization</span>
      ),
  },
  redactedValue,
  created,
  lastUsed,
  expires,
  {
    title: 'Access',
    cell: ({ owner_project_access: access }) =>
      access === 'active' ? 'Has access' : <span class="badge">Has left</span>,
  },
]
