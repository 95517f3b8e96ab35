/** The IP allow lists of the organization: to make, change, switch on and off, and delete. */
import { useSignal } from '@preact/signals'
import { Confirm } from '../../parts/dialog.tsx'
import { organization, useList } from '../../use-calls.ts'
import type { SecurityProps } from '../security.tsx'
import { AllowlistForm } from './allowlist-form.tsx'
import { AllowlistRows, type Allowlist } from './allowlist-rows.tsx'
import { withoutLockOut } from './lock-out.ts'

const { ipAllowlists } = organization

type Open = { what: 'create' } | { what: 'change' | 'switch' | 'delete'; one: Allowlist }

export function OrganizationAllowlists({ mayChange }: SecurityProps) {
  const list = useList<Allowlist>((options) => ipAllowlists.list({ limit: 50 }, options), [])
  const open = useSignal<Open | null>(null)
  const shown = open.value
  const close = () => (open.value = null)
  const ends = { onChanged: list.reload, onClose: close }
  return (
    <>
      <p class="about">
        While lists are active here, model requests of all projects, administration and this console work from their
        addresses only. A project can have active lists besides: then an address must be in both.
      </p>
      {mayChange && (
        <button type="button" onClick={() => (open.value = { what: 'create' })}>
          Make an IP allow list
        </button>
      )}
      <AllowlistRows
        list={list}
        mayChange={mayChange}
        onSwitch={(one) => (open.value = { what: 'switch', one })}
        actions={(one) => (
          <>
            <button type="button" onClick={() => (open.value = { what: 'change', one })}>
              Change <span class="visually-hidden">{one.name}</span>
            </button>{' '}
            <button type="button" onClick={() => (open.value = { what: 'delete', one })}>
              Delete <span class="visually-hidden">{one.name}</span>
            </button>
          </>
        )}
      />
      {(shown?.what === 'create' || shown?.what === 'change') && (
        <AllowlistForm of={shown.what === 'change' ? shown.one : null} {...ends} />
      )}
      {shown?.what === 'switch' && <Switch of={shown.one} {...ends} />}
      {shown?.what === 'delete' && <Delete of={shown.one} {...ends} />}
    </>
  )
}

interface ChangeProps {
  of: Allowlist
  onChanged: () => void
  onClose: () => void
}

function Switch({ of: { id, name, active }, onChanged, onClose }: ChangeProps) {
  const isWarned = useSignal(false)
  const act = active ? ipAllowlists.deactivate : ipAllowlists.activate
  const verb = active ? 'Deactivate' : 'Activate'
  return (
    <Confirm
      title={`${verb} the list?`}
      action={isWarned.value ? `${verb} all the same` : verb}
      onClose={onClose}
      onConfirm={async () => {
        await withoutLockOut((force) => act({ ip_allowlist_ids: [id], ...(force && { force }) }), {
          isForced: isWarned.value,
          onRefused: () => (isWarned.value = true),
        })
        onChanged()
      }}
    >
      <p>
        {active ? (
          <>
            The addresses of <strong>{name}</strong> are then allowed only where another active list has them; without
            any active list, every address is.
          </>
        ) : (
          <>
            Calls from addresses that are neither in <strong>{name}</strong> nor in another active list are refused from
            then on, on every server.
          </>
        )}
      </p>
    </Confirm>
  )
}

const Delete = ({ of: { id, name }, onChanged, onClose }: ChangeProps) => (
  <Confirm
    title="Delete the list?"
    action="Delete"
    onClose={onClose}
    onConfirm={async () => {
      await ipAllowlists.delete(id)
      onChanged()
    }}
  >
    <p>
      <strong>{name}</strong> must be active neither here nor in a project.
    </p>
  </Confirm>
)
