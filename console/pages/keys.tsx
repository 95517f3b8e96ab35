/**
 * All keys of the organization, of projects and of the administration: found by filters, sorted,
 * chosen, made, rotated and revoked.
 */
import { useSignal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import { activeProject } from '../active-project.ts'
import { place } from '../place.ts'
import { useProjectNames } from '../project-names.ts'
import { organization, useAction, useList } from '../use-calls.ts'
import type { PageProps } from '../pages.ts'
import { DataTable } from '../parts/data-table.tsx'
import { Empty } from '../parts/empty.tsx'
import { Page } from '../parts/page.tsx'
import { Rotate } from '../parts/rotate.tsx'
import { can } from '../session.ts'
import { ChosenKeys, selectionIn, unchoose, type Chosen } from './inventory/chosen-keys.tsx'
import { FilterBar } from './inventory/filter-bar.tsx'
import { inventoryColumns } from './inventory/inventory-columns.tsx'
import { isOfProject, type InventoryKey, type ProjectKey } from './inventory/inventory-key.ts'
import { KeyButtons } from './inventory/key-buttons.tsx'
import { MakeKey } from './inventory/make-key.tsx'
import { queryFrom } from './inventory/query.ts'
import { RevokeMany } from './inventory/revoke-many.tsx'

export default function Keys({ me }: PageProps) {
  const { query } = place.value
  const mayChange = can(me, 'api.management.write')
  const list = useList<InventoryKey>((options) => organization.apiKeys.list(queryFrom(query), options), [String(query)])
  const names = useProjectNames(list.items.filter(isOfProject).map(({ project_id }) => project_id))
  const chosen = useSignal<ReadonlyMap<string, InventoryKey>>(new Map())
  /** The key that is made, with the project that it begins in. */
  const making = useSignal<{ project_id: string | undefined } | null>(null)
  const make = useAction(async () => {
    making.value = { project_id: await activeProject(query.get('project_id')) }
  })
  const revoking = useSignal<readonly InventoryKey[] | null>(null)
  const rotating = useSignal<ProjectKey | null>(null)
  return (
    <Page
      title="Keys"
      about="The keys of all projects, and the admin keys of the organization."
      actions={mayChange && <MakeButton onClick={() => void make.run()} />}
    >
      <FilterBar />
      {mayChange && <ChosenKeys chosen={[...chosen.value.values()]} onRevoke={(keys) => (revoking.value = keys)} />}
      <DataTable<InventoryKey>
        caption="Keys"
        list={list}
        columns={inventoryColumns(names)}
        keyOf={({ id }) => id}
        empty={<Empty title="No such key">Other filters may find more.</Empty>}
        actions={
          mayChange &&
          ((key) => (
            <KeyButtons
              of={key}
              onRotate={isOfProject(key) ? () => (rotating.value = key) : undefined}
              onRevoke={() => (revoking.value = [key])}
            />
          ))
        }
        selection={mayChange && selectionIn(chosen)}
      />
      {making.value && <MakeKey me={me} {...making.value} onMade={list.reload} onClose={() => (making.value = null)} />}
      {revoking.value && (
        <Revoke
          keys={revoking.value}
          chosen={chosen}
          onClose={(wasRevoked) => {
            revoking.value = null
            // Otherwise the pages that were loaded stay.
            if (wasRevoked) list.reload()
          }}
        />
      )}
      {rotating.value && (
        <RotateKey of={rotating.value} onRotated={list.reload} onClose={() => (rotating.value = null)} />
      )}
    </Page>
  )
}

const MakeButton = ({ onClick }: { onClick: () => void }) => (
  <button type="button" class="primary" onClick={onClick}>
    Make a key
  </button>
)

interface RevokeProps {
  keys: readonly InventoryKey[]
  chosen: Chosen
  onClose: (wasRevoked: boolean) => void
}

function Revoke({ keys, chosen, onClose }: RevokeProps) {
  const wasRevoked = useRef(false)
  return (
    <RevokeMany
      keys={keys}
      onRevoked={(id) => {
        unchoose(chosen, id)
        wasRevoked.current = true
      }}
      onClose={() => onClose(wasRevoked.current)}
    />
  )
}

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
