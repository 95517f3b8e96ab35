/** A text to find rows of a list by, which stands in the address bar. Enter finds them. */
import { setQuery } from '../place.ts'
import { TextField } from './form.tsx'
import { useFormKey } from './use-form-key.ts'

interface Props {
  label: string
  /** What it is called in the address. */
  name: string
  /** What the address says now. */
  value: string
  maxLength: number
}

export function AddressFilter({ name, ...field }: Props) {
  const form = useFormKey()
  return (
    <form
      key={form.key}
      class="filters"
      onSubmit={(event) => {
        event.preventDefault()
        setQuery({ [name]: event.currentTarget.querySelector('input')!.value.trim() })
        form.keep()
      }}
    >
      <TextField name={name} type="search" {...field} />
    </form>
  )
}
