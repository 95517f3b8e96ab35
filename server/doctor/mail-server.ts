/** Whether the mail server takes mail from this server. None is sent. */
import { check, ok, problem, warning } from './finding.ts'

/** Less than a check may take, so that what failed can be said. */
const WAIT_MILLISECONDS = 4_000

export const mailServer = check({
  name: 'mail',
  settings: ['smtp_url', 'smtp_from'],
  late: 'The mail server does not answer; look at host and port in KEYHALL_SMTP_URL, and whether a firewall blocks the port.',
  async look({ smtp_url: url, smtp_from: from }) {
    if (!url) return [ok('None is set; "keyhall invites link" and "keyhall console link" print the links.')]
    if (!from) return [problem('KEYHALL_SMTP_URL needs KEYHALL_SMTP_FROM: the address that mails come from.')]
    const { hostname, port, username, protocol, searchParams } = new URL(url.reveal())
    const where = `The mail server ${hostname}${port ? `:${port}` : ''}`
    try {
      const { tryMailServer } = await import('../../admin/mailer.ts')
      await tryMailServer(url, WAIT_MILLISECONDS)
    } catch (error) {
      return [problem(`${where} ${refusal(error)}`)]
    }
    if (username && protocol === 'smtp:' && searchParams.get('requireTLS') === 'false')
      return [
        warning(
          `${where} is given the password also where it offers no TLS; remove requireTLS=false from KEYHALL_SMTP_URL.`,
        ),
      ]
    return [ok(`${where} answers${username ? ', and refuses no login' : ''}.`)]
  },
})

/** Why it cannot be used, and what to do. */
function refusal(error: unknown): string {
  const { code, message } = error as Error & { code?: string }
  const said = message.replace(/\s*\n\s*/g, ' ').replace(/\.$/, '')
  if (code === 'EAUTH') return `refuses the login (${said}); look at user and password in KEYHALL_SMTP_URL.`
  if (code === 'ETLS' || /certificate|STARTTLS|self.signed/i.test(said))
    return `offers no TLS that can be used (${said}); use the port of STARTTLS (587) or "smtps://" (465), and a certificate that is valid.`
  return `cannot be used: ${said}; look at host and port in KEYHALL_SMTP_URL, and whether a firewall is in between.`
}
