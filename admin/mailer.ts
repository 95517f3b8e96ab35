/** Sends mail over SMTP, beside the calls: nobody waits for a mail server. */
import { createTransport } from 'nodemailer'
import type { Secret } from '../keys/secret.ts'

export interface Message {
  to: string
  subject: string
  text: string
  html: string
}

export interface Mail {
  /** How people reach this server from outside, without a slash at its end. */
  public_url: string
  /** Takes a message and returns at once. It never throws; a failure is reported with the invite that the message is about. */
  send: (message: Message, invite_id: string) => void
}

export interface Mailer extends Mail {
  /** Waits for what is on its way. */
  settled: () => Promise<void>
  close: () => void
}

interface MailerSettings {
  /** `smtp://` or `smtps://`, with the options of nodemailer in its query. */
  url: Secret<string>
  /** `keys@example.com` or `Keyhall <keys@example.com>`. */
  from: string
  public_url: string
  onError: (invite_id: string, error: unknown) => void
}

const WAIT_MILLISECONDS = 10_000

export function openMailer({ url, from, public_url, onError }: MailerSettings): Mailer {
  const transport = createTransport({
    url: withTls(url.reveal()),
    pool: true,
    maxConnections: 2,
    connectionTimeout: WAIT_MILLISECONDS,
    greetingTimeout: WAIT_MILLISECONDS,
    socketTimeout: WAIT_MILLISECONDS,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  const sending = new Set<Promise<unknown>>()
  return {
    public_url,
    send({ to, ...content }, invite_id) {
      const mail = { ...content, from, to: { name: '', address: to }, headers: { 'auto-submitted': 'auto-generated' } }
      const sent: Promise<unknown> = transport
        .sendMail(mail)
        .catch((error: unknown) => onError(invite_id, error))
        .finally(() => sending.delete(sent))
      sending.add(sent)
    },
    settled: async () => void (await Promise.all(sending)),
    close: () => transport.close(),
  }
}

/** A password is not sent in the open because somebody on the way took the offer of STARTTLS out; `requireTLS=false` in the URL allows it. */
function withTls(address: string) {
  const url = new URL(address)
  if (url.username && !url.searchParams.has('requireTLS')) url.searchParams.set('requireTLS', 'true')
  return url.href
}
