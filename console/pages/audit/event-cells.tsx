/** The cells of an event: what, who, and its details. */
import { hrefOf } from '../../place.ts'
import { payloadOf, targetOf, wordsOf, type AuditLog } from './words.ts'

export function What({ of: log }: { of: AuditLog }) {
  const target = targetOf(log)
  return (
    <>
      {wordsOf(log.type)}
      {target && (
        <>
          {' '}
          <a href={hrefOf(`/audit?resource=${encodeURIComponent(target)}`)}>
            <code>{shortened(target)}</code>
            <span class="visually-hidden">, all about it</span>
          </a>
        </>
      )}
    </>
  )
}

export function Who({ of: { actor } }: { of: AuditLog }) {
  if (!actor) return <>The operator, on the host</>
  const { session, api_key } = actor
  if (!api_key) return <>{session?.user?.email ?? 'Nobody who is known'}</>
  return (
    <>
      {api_key.user?.email ?? <>Service account {shortened(api_key.service_account?.id ?? '')}</>}{' '}
      <span class="faint">
        with <code title={api_key.id}>{shortened(api_key.id)}</code>
      </span>
    </>
  )
}

const fromOf = ({ actor }: AuditLog) => actor?.api_key ?? actor?.session

export const From = ({ of: log }: { of: AuditLog }) => <>{fromOf(log)?.ip_address ?? '–'}</>

export function Project({ of: { project } }: { of: AuditLog }) {
  if (!project) return <>–</>
  return <a href={hrefOf(`/projects/${encodeURIComponent(project.id)}`)}>{project.name}</a>
}

/** Everything that the log has of an event, as text. */
export function Details({ of: log }: { of: AuditLog }) {
  const user_agent = fromOf(log)?.user_agent
  return (
    <details class="event">
      <summary>
        Details<span class="visually-hidden"> of {wordsOf(log.type)}</span>
      </summary>
      <dl>
        <dt>Type</dt>
        <dd>{log.type}</dd>
        <dt>Event</dt>
        <dd>{log.id}</dd>
        {user_agent && (
          <>
            <dt>By what program</dt>
            <dd>{user_agent}</dd>
          </>
        )}
      </dl>
      <pre>{JSON.stringify(payloadOf(log) ?? {}, null, 2)}</pre>
    </details>
  )
}

const SHOWN = 8

/** The beginning and the end of a long id. */
function shortened(id: string) {
  const start = id.search(/[-_][^-_]*$/) + 1
  return id.length - start <= 2 * SHOWN ? id : `${id.slice(0, start + 4)}…${id.slice(-4)}`
}
