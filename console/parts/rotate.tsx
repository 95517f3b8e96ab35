/** Rotates a key: a new one is shown once, and the old one goes on working for a chosen time. */
import { HOUR } from '../time-spans.ts'
import { useSignal } from '@preact/signals'
import { SelectField } from './form.tsx'
import { FormDialog } from './form-dialog.tsx'
import { ShownOnce } from './shown-once.tsx'

interface Props {
  name: string
  /** Makes the new key, and answers its value. */
  rotate: (overlap_seconds: number) => Promise<{ value: string }>
  onRotated: () => void
  onClose: () => void
}

const overlaps = [
  { value: String(HOUR), label: 'For one hour' },
  { value: String(24 * HOUR), label: 'For one day' },
  { value: String(7 * 24 * HOUR), label: 'For 7 days' },
  { value: String(30 * 24 * HOUR), label: 'For 30 days' },
]

export function Rotate({ name, rotate, onRotated, onClose }: Props) {
  const value = useSignal<string | null>(null)
  if (value.value !== null) return <ShownOnce value={value.value} onDone={onClose} />
  return (
    <FormDialog
      title={`Rotate ${name || 'this key'}`}
      onClose={onClose}
      submit="Make the new key"
      onSubmit={async (valueOf) => {
        value.value = (await rotate(Number(valueOf('overlap_seconds')))).value
        onRotated()
      }}
    >
      <p>A new key takes its place, with the same owner, name and scopes.</p>
      <SelectField
        label="The old key goes on working"
        name="overlap_seconds"
        value={String(24 * HOUR)}
        options={overlaps}
      />
    </FormDialog>
  )
}
