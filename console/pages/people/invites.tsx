/** Invites to the organization: to send, to watch and to take back. */
import { useSignal } from '@preact/signals'
import { DataTable, type Column } from '../../parts/data-table.tsx'
import { DateTime } from '../../parts/date-time.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { Empty } from '../../parts/empty.tsx'
import { canAsOwner } from '../../session.ts'
import { organization, useList } from '../../use-calls.ts'
import type { PeopleProps } from '../people.tsx'
import { InviteSomebody } from './invite-somebody.tsx'

type Invite = Awaited<ReturnType<typeof organization.invites.list>>['data'][number]

export function Invites({ me, mayChange }: PeopleProps) {
  const list = useList<Invite>((options) => organization.invites.list({ limit: 50 }, options), [])
  const isInviting = useSignal(false)
  const ending = useSignal<Invite | null>(null)
  return (
    <>
      {canAsOwner(me, 'api.management.write') && (
        <button type="button" onClick={() => (isInviting.value = true)}>
          Invite somebody
        </button>
      )}
      <DataTable
        caption="Invites"
        list={list}
        columns={columns}
        keyOf={({ id }) => id}
        empty={<Empty title="There is no invite">People join the organization by accepting one.</Empty>}
        actions={
          mayChange &&
          ((invite) =>
            invite.status !== 'accepted' && (
              <button type="button" onClick={() => (ending.value = invite)}>
                Take back <span class="visually-hidden">the invite of {invite.email}</span>
              </button>
            ))
        }
      />
      {isInviting.value && <InviteSomebody onInvited={list.reload} onClose={() => (isInviting.value = false)} />}
      {ending.value && (
        <Confirm
          title="Take the invite back?"
          action="Take back"
          onClose={() => (ending.value = null)}
          onConfirm={async () => {
            await organization.invites.delete(ending.value!.id)
            list.reload()
          }}
        >
          <p>
            The link that <strong>{ending.value.email}</strong> got stops working.
          </p>
        </Confirm>
      )}
    </>
  )
}

const columns: Column<Invite>[] = [
  { title: 'E-mail', cell: ({ email }) => email },
  { title: 'Status', cell: ({ status }) => status },
  { title: 'Role', cell: ({ role }) => role },
  { title: 'Sent', cell: ({ created_at }) => <DateTime at={created_at} /> },
  { title: 'Expires', cell: ({ expires_at }) => <DateTime at={expires_at} /> },
]
