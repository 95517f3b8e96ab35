/** Makes an IP allow list, or changes one. */
import { useSignal } from '@preact/signals'
import { FormDialog } from '../../parts/form-dialog.tsx'
import { TextArea, TextField } from '../../parts/form.tsx'
import { Refusal } from '../../parts/problem.tsx'
import { organization } from '../../use-calls.ts'
import type { Allowlist } from './allowlist-rows.tsx'
import { withoutLockOut } from './lock-out.ts'

const { ipAllowlists } = organization

interface Props {
  /** Null to make one. */
  of: Allowlist | null
  onChanged: () => void
  onClose: () => void
}

export function AllowlistForm({ of, onChanged, onClose }: Props) {
  /** The addresses that the server warned of. Others are no answer to that warning. */
  const warnedOf = useSignal<string | null>(null)
  return (
    <FormDialog
      title={of ? `Change ${of.name}` : 'Make an IP allow list'}
      onClose={onClose}
      submit={warnedOf.value !== null ? 'Save it all the same' : of ? 'Save' : 'Make the list'}
      onSubmit={async (valueOf) => {
        const allowed_ips = valueOf('allowed_ips')
          .split(/[\s,]+/)
          .filter(Boolean)
        if (allowed_ips.length === 0) throw new Refusal('Enter at least one address.')
        const body = { name: valueOf('name'), allowed_ips }
        if (of)
          await withoutLockOut((force) => ipAllowlists.update(of.id, { ...body, ...(force && { force }) }), {
            isForced: warnedOf.value === allowed_ips.join(),
            onRefused: () => (warnedOf.value = allowed_ips.join()),
          })
        else await ipAllowlists.create(body)
        onChanged()
        onClose()
      }}
    >
      {of?.active && <p>This list is active: the change holds at once, on every server.</p>}
      <TextField label="Name" name="name" required maxLength={255} value={of?.name} hint="Such as “Office”." />
      <TextArea
        label="Addresses"
        name="allowed_ips"
        value={of?.allowed_ips.join('\n') ?? ''}
        hint="One in a line: an IP address, or a network such as 192.0.2.0/24 or 2001:db8::/32. At most 50."
      />
    </FormDialog>
  )
}
