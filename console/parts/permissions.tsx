/** Permissions to choose among, each with what it opens in words. */
import { useId } from 'preact/hooks'
import { remarkOn, wordsOf } from './permission-words.ts'

interface Props {
  legend: string
  all: readonly string[]
  /** Those that are chosen at first. */
  held?: readonly string[]
}

/** A form sends those that are chosen as `permissions`. */
export const Permissions = ({ legend, all, held = [] }: Props) => (
  <fieldset class="permissions">
    <legend>{legend}</legend>
    {all.map((permission) => (
      <Permission key={permission} name={permission} isHeld={held.includes(permission)} />
    ))}
  </fieldset>
)

function Permission({ name, isHeld }: { name: string; isHeld: boolean }) {
  const id = useId()
  return (
    <div class="permission">
      <input
        type="checkbox"
        id={id}
        name="permissions"
        value={name}
        defaultChecked={isHeld}
        aria-describedby={`${id}-name`}
      />
      <label for={id}>{wordsOf(name) ?? name}</label>
      <span id={`${id}-name`}>{remarkOn(name) || <code>{name}</code>}</span>
    </div>
  )
}
