/** The admin keys of the organization, below the keys of its projects. */
import { useSignal } from '@preact/signals'
import { organization, useList } from '../../use-calls.ts'
import { DataTable, type Column } from '../../parts/data-table.tsx'
import { created, expires, keyName, lastUsed, redactedValue } from '../../parts/key-columns.tsx'
import { Confirm } from '../../parts/dialog.tsx'

type AdminKey = Awaited<ReturnType<typeof organization.adminAPIKeys.list>>['data'][number]

export function AdminKeys({ mayChange }: { mayChange: boolean }) {
  const list = useList<AdminKey>((options) => organization.adminAPIKeys.list({ limit: 50, order: 'desc' }, options), [])
  const revoking = useSignal<AdminKey | null>(null)
  return (
    <section aria-labelledby="admin-keys">
      <h2 id="admin-keys">Admin keys</h2>
      <p class="about">They open the administration of the whole organization.</p>
      <DataTable
        caption="Admin keys"
        list={list}
        columns={columns}
        keyOf={({ id }) => id}
        empty={<p>There is no admin key.</p>}
        actions={
          mayChange
            ? (key) => (
                <button type="button" onClick={() => (revoking.value = key)}>
                  Revoke <span class="visually-hidden">{key.name}</span>
                </button>
              )
            : undefined
        }
      />
      {revoking.value && (
        <Confirm
          title="Revoke this admin key?"
          action="Revoke"
          onClose={() => (revoking.value = null)}
          onConfirm={async () => {
            await organization.adminAPIKeys.delete(revoking.value!.id)
            list.reload()
          }}
        >
          <p>
            <strong>{revoking.value.name || revoking.value.redacted_value}</strong> of {revoking.value.owner.name} opens
            nothing from then on. Programs that use it, such as Terraform, stop working.
          </p>
        </Confirm>
      )}
    </section>
  )
}

const columns: Column<AdminKey>[] = [
  keyName,
  { title: 'Owner', cell: ({ owner }) => owner.name },
  redactedValue,
  created,
  lastUsed,
  expires,
]
