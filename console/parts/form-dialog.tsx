/** A dialog with a form, which can be left without sending it. */
import type { ComponentChildren } from 'preact'
import { Dialog } from './dialog.tsx'
import { Form } from './form.tsx'

interface Props {
  title: string
  /** What the button says that sends it. */
  submit: string
  /** Called with what was entered, by the names of the fields; what it throws is shown. */
  onSubmit: (valueOf: (name: string) => string, form: HTMLFormElement) => Promise<unknown>
  onClose: () => void
  /** The button is disabled. */
  isDisabled?: boolean
  children: ComponentChildren
}

export const FormDialog = ({ title, onClose, ...form }: Props) => (
  <Dialog title={title} onClose={onClose}>
    <Form
      actions={
        <button type="button" onClick={onClose}>
          Cancel
        </button>
      }
      {...form}
    />
  </Dialog>
)
