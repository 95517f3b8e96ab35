/** A box of a form that is checked or not. */
interface Props {
  label: string
  name: string
  isChecked: boolean
  /** Its state says nothing, because another field decides. */
  isDisabled?: boolean
  onChange?: (isChecked: boolean) => void
}

export const CheckField = ({ label, name, isChecked, isDisabled, onChange }: Props) => (
  <label class="check">
    <input
      type="checkbox"
      name={name}
      value="on"
      defaultChecked={isChecked}
      disabled={isDisabled}
      onChange={({ currentTarget }) => onChange?.(currentTarget.checked)}
    />
    {label}
  </label>
)
