/** Dialogs: the browser's own, which keep the focus inside and give it back. */
import type { ComponentChildren } from 'preact'
import { useId, useLayoutEffect, useRef } from 'preact/hooks'
import { useAction } from '../use-calls.ts'
import { Problem } from './problem.tsx'

interface Props {
  title: string
  onClose: () => void
  /** Escape does not close it. */
  isLocked?: boolean
  children: ComponentChildren
}

export function Dialog({ title, onClose, isLocked = false, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null)
  const heading = useId()
  useLayoutEffect(() => {
    const { current } = dialog
    current!.showModal()
    return () => current!.close()
  }, [])
  return (
    <dialog
      ref={dialog}
      aria-labelledby={heading}
      closedby={isLocked ? 'none' : 'closerequest'}
      onCancel={(event) => {
        event.preventDefault()
        if (!isLocked) onClose()
      }}
    >
      <h2 id={heading}>{title}</h2>
      {children}
    </dialog>
  )
}

interface ConfirmProps {
  title: string
  /** What will happen. */
  children: ComponentChildren
  /** What the button says that does it. */
  action: string
  /** Does it; what it throws is shown. */
  onConfirm: () => Promise<unknown>
  onClose: () => void
}

/** Asks before something that cannot be undone. Nothing is done by Enter alone. */
export function Confirm({ title, children, action, onConfirm, onClose }: ConfirmProps) {
  const { run, isRunning, problem } = useAction(async () => {
    await onConfirm()
    onClose()
  })
  return (
    <Dialog title={title} onClose={onClose}>
      {children}
      <Problem problem={problem} />
      <div class="buttons">
        <button type="button" onClick={onClose} autoFocus>
          Cancel
        </button>
        <button type="button" class="danger" onClick={() => void run()} aria-disabled={isRunning || undefined}>
          {action}
        </button>
      </div>
    </Dialog>
  )
}
