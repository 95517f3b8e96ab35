/** The keys of a project. Whoever manages the project rotates and revokes them. */
import { useSignal } from '@preact/signals'
import { DataTable, type Column } from '../../parts/data-table.tsx'
import { expires, lastUsed, linkedKeyName, LostAccess, redactedValue } from '../../parts/key-columns.tsx'
import { Rotate } from '../../parts/rotate.tsx'
import { hrefOf } from '../../place.ts'
import { can } from '../../session.ts'
import { organization, useList } from '../../use-calls.ts'
import { KeyButtons } from '../inventory/key-buttons.tsx'
import { RevokeMany } from '../inventory/revoke-many.tsx'
import type { SectionProps } from '../project.tsx'

const { apiKeys } = organization.projects

type Key = Awaited<ReturnType<typeof apiKeys.list>>['data'][number]

export function ProjectKeys({ me, project: { id: project_id }, mayManage }: SectionProps) {
  const list = useList<Key>(
    (options) => apiKeys.list(project_id, { limit: 50, owner_project_access: 'any' }, options),
    [project_id],
  )
  const changing = useSignal<{ what: 'rotate' | 'revoke'; key: Key } | null>(null)
  const close = () => (changing.value = null)
  const { what, key } = changing.value ?? {}
  return (
    <>
      {can(me, 'api.management.read') && (
        <p>
          <a href={hrefOf(`/keys?project_id=${encodeURIComponent(project_id)}`)}>Find keys among these with filters</a>
        </p>
      )}
      <DataTable
        caption="Keys"
        list={list}
        columns={[linkedKeyName(() => project_id), ...columns]}
        keyOf={({ id }) => id}
        empty={
          <p>There is no key yet. People make their own under “My keys”, and each service account can have some.</p>
        }
        actions={
          mayManage &&
          ((key) => (
            <KeyButtons
              of={key}
              onRotate={() => (changing.value = { what: 'rotate', key })}
              onRevoke={() => (changing.value = { what: 'revoke', key })}
            />
          ))
        }
      />
      {what === 'rotate' && (
        <Rotate
          name={key!.name}
          rotate={(overlap_seconds) => apiKeys.rotate(key!.id, { project_id, overlap_seconds })}
          onRotated={list.reload}
          onClose={close}
        />
      )}
      {what === 'revoke' && <RevokeMany keys={[{ ...key!, project_id }]} onRevoked={list.reload} onClose={close} />}
    </>
  )
}

const columns: Column<Key>[] = [
  {
    title: 'Owner',
    cell: ({ owner, owner_project_access }) => (
      <>
        {(owner.user ?? owner.service_account)!.name}
        {owner_project_access === 'inactive' && <LostAccess />}
      </>
    ),
  },
  redactedValue,
  lastUsed,
  expires,
]
