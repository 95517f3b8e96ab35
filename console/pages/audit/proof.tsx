/** Whether the audit log is whole, as far as the server can say at once, and how to prove it. */
import { CopyButton } from '../../parts/copy-button.tsx'
import { Waiting } from '../../parts/data-table.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { Problem } from '../../parts/problem.tsx'
import type { Answered, organization } from '../../use-calls.ts'

type Chain = Awaited<ReturnType<typeof organization.auditLogs.chain.retrieve>>

interface Props {
  chain: Answered<Chain | null>
  onClose: () => void
}

const count = new Intl.NumberFormat()

export const Proof = ({ chain: { answer, problem, isLoading, reload }, onClose }: Props) => (
  <Dialog title="Is the log whole?" onClose={onClose}>
    <Problem problem={problem} retry={reload} />
    {isLoading ? <Waiting /> : answer && <Found chain={answer} />}
    <div class="buttons">
      <button type="button" class="primary" onClick={onClose}>
        Close
      </button>
    </div>
  </Dialog>
)

function Found({ chain }: { chain: Chain }) {
  const { newest, checked_from } = chain
  if (!newest || checked_from === null) return <Broken chain={chain} />
  const verify = `keyhall audit verify --link ${newest.link}`
  return (
    <>
      <Broken chain={chain} />
      {!chain.broken && (
        <p>
          Yes, as far as it was checked now: events {count.format(checked_from)} to {count.format(newest.seq)} are what
          Keyhall wrote.
        </p>
      )}
      <p>Keep the newest link elsewhere. It covers every event up to now:</p>
      <div class="secret">
        <code>{newest.link}</code>
        <CopyButton text={newest.link} of="the newest link" />
      </div>
      <p>This command on the host checks all events, and that this link is among them:</p>
      <div class="secret">
        <code>{verify}</code>
        <CopyButton text={verify} of="the command" />
      </div>
    </>
  )
}

/** Also shown on the page itself: nobody should have to ask for it. */
export function Broken({ chain: { broken } }: { chain: Chain }) {
  if (!broken) return null
  return (
    <div class="problem" role="alert">
      <p>
        The audit log is broken at event {count.format(broken.seq)}: {broken.why}. Run <code>keyhall audit verify</code>{' '}
        on the host.
      </p>
    </div>
  )
}
