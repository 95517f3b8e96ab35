/** A box of a form that is checked or not. */
interface Props {
  label: string
  name: string
  isChecked: boolean
}

export const CheckField = ({ label, name, isChecked }: Props) => (
  <label class="check">
    <input type="checkbox" name={name} value="on" defaultChecked={isChecked} />
    {label}
  </label>
)
