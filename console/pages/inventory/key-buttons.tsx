/** What can be done with a key in a list. */
interface ButtonsProps {
  of: { name: string | null; redacted_value: string }
  /** None for a key that cannot be rotated. */
  onRotate?: (() => void) | undefined
  onRevoke: () => void
}

export const KeyButtons = ({ of: { name, redacted_value }, onRotate, onRevoke }: ButtonsProps) => (
  <>
    {onRotate && (
      <button type="button" onClick={onRotate}>
        Rotate <span class="visually-hidden">{name || redacted_value}</span>
      </button>
    )}{' '}
    <button type="button" onClick={onRevoke}>
      Revoke <span class="visually-hidden">{name || redacted_value}</span>
    </button>
  </>
)
