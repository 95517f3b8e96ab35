/** The message with a link to sign in: as text, and as simple HTML. */
import type { Message } from '../mailer.ts'
import { escapeHtml, oneLine } from '../shared/plain-text.ts'

interface SignIn {
  to: string
  organization: string
  link: string
  /** Unix seconds. */
  expires_at: number
}

export function signInMail({ to, organization, link, expires_at }: SignIn): Message {
  const name = oneLine(organization)
  const until = `${new Date(expires_at * 1000).toISOString().slice(0, 16).replace('T', ' ')} UTC`
  const sentence = `With this link you sign in to ${name} on Keyhall.`
  const ends = `It works once, until ${until}. Whoever has it can sign in as you: do not pass it on. If you did not ask for it, ignore this message.`
  return {
    to,
    subject: `Sign in to ${name}`,
    text: `${[sentence, link, ends].join('\n\n')}\n`,
    html: `<p>${escapeHtml(sentence)}</p>\n<p><a href="${escapeHtml(link)}">Sign in</a></p>\n<p>${escapeHtml(ends)}</p>\n`,
  }
}
