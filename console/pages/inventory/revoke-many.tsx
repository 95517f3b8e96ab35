/** Revokes the keys that were chosen, one after another, and says what became of each. */
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { organization } from '../../use-calls.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { sentenceOf } from '../../parts/problem.tsx'
import { isOfProject, type InventoryKey } from './inventory-key.ts'

interface Props {
  keys: readonly InventoryKey[]
  /** Called once a key opens nothing any more. */
  onRevoked: (id: string) => void
  onClose: () => void
}

interface Progress {
  done: number
  /** What was refused, by the id of its key. */
  refused: ReadonlyMap<string, string>
}

export function RevokeMany({ keys: chosen, onRevoked, onClose }: Props) {
  // The list of what was chosen shrinks while they are revoked. A session may end with its admin
  // key, so these are the last.
  const { value: keys } = useSignal([...chosen.filter(isOfProject), ...chosen.filter((key) => !isOfProject(key))])
  const progress = useSignal<Progress | null>(null)
  const isStopped = useSignal(false)
  // Whoever leaves the page stops it.
  useEffect(() => () => void (isStopped.value = true), [])
  async function run() {
    let done = 0
    const refusals = new Map<string, string>()
    progress.value = { done, refused: refusals }
    for (const key of keys) {
      if (isStopped.value) return
      const refused = await revoke(key)
      if (refused === null) onRevoked(key.id)
      else refusals.set(key.id, refused)
      progress.value = { done: (done += 1), refused: new Map(refusals) }
    }
    if (refusals.size === 0 && !isStopped.value) onClose()
  }
  const close = () => {
    isStopped.value = true
    onClose()
  }
  const title = keys.length === 1 ? 'Revoke this key?' : `Revoke ${keys.length} keys?`
  return (
    <Dialog title={title} onClose={close}>
      <p>
        What is revoked opens nothing from then on, and cannot be brought back. Programs that use it stop working.
        {keys.some((key) => !isOfProject(key)) && ' Sessions that began with an admin key end with it, also yours.'}
      </p>
      <ul class="chosen">
        {keys.map(({ id, name, redacted_value }) => (
          <li key={id}>
            {name} <code>{redacted_value}</code>
            {progress.value?.refused.has(id) && <p class="error">{progress.value.refused.get(id)}</p>}
          </li>
        ))}
      </ul>
      {progress.value && (
        <p role="status">
          <progress value={progress.value.done} max={keys.length} aria-label="Keys looked after" />{' '}
          {progress.value.done} of {keys.length}
        </p>
      )}
      <div class="buttons">
        <button type="button" onClick={close} autoFocus>
          {progress.value ? 'Close' : 'Cancel'}
        </button>
        <button type="button" class="danger" disabled={progress.value !== null} onClick={() => void run()}>
          Revoke
        </button>
      </div>
    </Dialog>
  )
}

/** Returns null, or the sentence of the refusal. */
async function revoke(key: InventoryKey): Promise<string | null> {
  try {
    await (isOfProject(key)
      ? organization.projects.apiKeys.delete(key.id, { project_id: key.project_id })
      : organization.adminAPIKeys.delete(key.id))
    return null
  } catch (problem) {
    return sentenceOf(problem)
  }
}
