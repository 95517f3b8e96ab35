/** Hints after a command: what somebody at a terminal may need next. */
import { printable } from '../world/printable.ts'

const hints: Record<string, (answer: Record<string, unknown>) => string> = {
  'invites create': ({ id }) =>
    `Where no mail arrives, "keyhall invites link ${printable(String(id))}" on the server's host prints the link.`,
}

export const hintAfter = (path: readonly string[], answer: Record<string, unknown>): string | undefined =>
  hints[path.join(' ')]?.(answer)
