/** A button that copies a text, and says that it did. */
import { useSignal } from '@preact/signals'

interface Props {
  text: string
  /** What is copied, for screen readers. */
  of: string
}

const SHOWN_MILLISECONDS = 2_000

export function CopyButton({ text, of }: Props) {
  const said = useSignal('')
  async function copy() {
    try {
      await navigator.clipboard.writeText(text)
      said.value = 'Copied'
    } catch {
      // Browsers allow it only by https and on the machine itself.
      said.value = 'Select it, and copy by hand'
    }
    setTimeout(() => (said.value = ''), SHOWN_MILLISECONDS)
  }
  return (
    <button type="button" class="copy" onClick={() => void copy()}>
      {said.value || 'Copy'} <span class="visually-hidden">{of}</span>
      <span class="visually-hidden" role="status">
        {said.value}
      </span>
    </button>
  )
}
