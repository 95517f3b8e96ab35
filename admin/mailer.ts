/** Sends mail over SMTP in the background, so that no call waits for a mail server. */
import { createTransport } from 'nodemailer'
import type { Secret } from '../world/secret.ts'

export interface Message {
  to: string
  subject: string
  text: string
  html: string
}

/** The id of an invite, or a link to sign in. */
export type MailSubject = `invite-${string}` | 'sign-in'

export interface Mail {
  /** The address of this server for people, without a slash at its end. */
  public_url: string
  /**
   * Takes a message and returns at once. It never throws; a failure is reported with what the
   * message is about.
   */
  send: (message: Message, about: MailSubject) => void
}

export interface Mailer extends Mail {
  /**
   * Sends a message whose id is the same for each attempt, and throws when the mail server did not
   * take it.
   */
  deliver: (message: Message, id: string) => Promise<void>
  /** Waits until all mail under way is sent or has failed. */
  settled: () => Promise<void>
  close: () => void
}

interface MailerSettings {
  /** `smtp://` or `smtps://`, with the options of nodemailer in its query. */
  url: Secret<string>
  /** `keys@example.com` or `Keyhall <keys@example.com>`. */
  from: string
  public_url: string
  onError: (about: MailSubject, error: unknown) => void
}

const WAIT_MILLISECONDS = 10_000

export function openMailer({ url, from, public_url, onError }: MailerSettings): Mailer {
  const transport = createTransport({
    url: withTls(url.reveal()),
    pool: true,
    maxConnections: 2,
    ...within(WAIT_MILLISECONDS),
  })
  const sending = new Set<Promise<unknown>>()
  const mailOf = ({ to, ...content }: Message) => ({
    ...content,
    from,
    to: { name: '', address: to },
    headers: { 'auto-submitted': 'auto-generated' },
  })
  return {
    public_url,
    async deliver(message, id) {
      await transport.sendMail({ ...mailOf(message), messageId: `<${id}@keyhall>` })
    },
    send(message, about) {
      const sent: Promise<unknown> = transport
        .sendMail(mailOf(message))
        .catch((error: unknown) => onError(about, error))
        .finally(() => sending.delete(sent))
      sending.add(sent)
    },
    settled: async () => void (await Promise.all(sending)),
    close: () => transport.close(),
  }
}

/**
 * Connects, turns on TLS and logs in as for a message, and sends none. Throws what the mail server
 * or nodemailer says.
 */
export async function tryMailServer(url: Secret<string>, milliseconds: number) {
  const transport = createTransport({ url: withTls(url.reveal()), ...within(milliseconds) })
  try {
    await transport.verify()
  } finally {
    transport.close()
  }
}

const within = (milliseconds: number) => ({
  connectionTimeout: milliseconds,
  greetingTimeout: milliseconds,
  socketTimeout: milliseconds,
  disableFileAccess: true,
  disableUrlAccess: true,
})

/**
 * Requires TLS where there is a password. Otherwise somebody on the way could remove the offer of
 * STARTTLS, and the password would be sent unencrypted. `requireTLS=false` in the URL allows that.
 */
function withTls(address: string) {
  const url = new URL(address)
  if (url.username && !url.searchParams.has('requireTLS')) url.searchParams.set('requireTLS', 'true')
  return url.href
}
