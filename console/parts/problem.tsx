/** What went wrong, in words. */
import { APIConnectionError, APIError } from '../../client/index.ts'

interface Props {
  /** What was thrown; nothing is shown for undefined. */
  problem: unknown
  /** Tries again. */
  retry?: () => void
}

export function Problem({ problem, retry }: Props) {
  if (problem === undefined) return null
  return (
    <div class="problem" role="alert">
      <p>{sentenceOf(problem)}</p>
      {retry && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  )
}

/** A sentence of the console's own, for what it sees before it asks the server. */
export class Refusal extends Error {}

/** The server's own sentence where it has one. */
export function sentenceOf(problem: unknown): string {
  if (problem instanceof APIConnectionError)
    return 'The server could not be reached. Look at your connection, then try again.'
  if (problem instanceof Refusal) return problem.message
  if (!(problem instanceof APIError)) return `The console made a mistake: ${String(problem)}`
  const { message } = (problem.error ?? {}) as { message?: string }
  if (problem.status !== undefined && problem.status >= 500)
    return `The server failed; try again in a moment. Its log has more under ${problem.requestID ?? 'the time of day'}.`
  return message || `The server answered with status ${problem.status}.`
}

/** The name of the value that the server refused. */
export const paramOf = (problem: unknown) => (problem instanceof APIError ? (problem.param ?? null) : null)
