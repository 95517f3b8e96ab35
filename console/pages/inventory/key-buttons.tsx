/** What can be done with a key in a list. */
interface ButtonsProps {
  of: { name: string; redacted_value: string }
  onRotate: () => void
  onRevoke: () => void
}

export const KeyButtons = ({ of: { name, redacted_value }, onRotate, onRevoke }: ButtonsProps) => (
  <>
    <button type="button" onClick={onRotate}>
      Rotate <span class="visually-hidden">{name || redacted_value}</span>
    </button>{' '}
    <button type="button" onClick={onRevoke}>
      Revoke <span class="visually-hidden">{name || redacted_value}</span>
    </button>
  </>
)
