/**
 * Sends invitations, links to sign in and alerts, if a mail server is set. Its code is loaded only
 * then.
 */
import type { Mailer, MailSubject } from '../admin/mailer.ts'
import { wrongUsage } from '../world/failed.ts'
import type { Terminal } from '../world/terminal.ts'
import type { Config } from './config.ts'
import type { Log } from './log.ts'

type MailSettings = Pick<Config, 'smtp_url' | 'smtp_from'>

/** Throws Failed where there is a mail server, but nobody that mail comes from. */
export function requireMailSender({ smtp_url, smtp_from }: MailSettings) {
  if (smtp_url && !smtp_from)
    throw wrongUsage('KEYHALL_SMTP_URL needs KEYHALL_SMTP_FROM: the address that mails come from.')
}

/** `ownUrl` is where links lead without a public URL. */
export async function openMail(
  { smtp_url: url, smtp_from: from, public_url }: MailSettings & Pick<Config, 'public_url'>,
  ownUrl: string,
  { program }: Pick<Terminal, 'program'>,
  log: Log,
): Promise<Mailer | null> {
  if (!url || !from) return null
  const { openMailer } = await import('../admin/mailer.ts')
  const onError = (about: MailSubject, error: unknown) =>
    log.say('error', unsent(about, program), { cause: String(error) })
  return openMailer({ url, from, public_url: public_url ?? ownUrl, onError })
}

const unsent = (about: MailSubject, program: string) =>
  about === 'sign-in'
    ? `A link to sign in could not be sent; "${program} console link EMAIL" prints one.`
    : `The mail of an invite could not be sent; "${program} invites link ${about}" makes a new link.`
