/** The mail of a spend alert. */
import { dollarsOf } from '../../contract/money.ts'
import type { DueAlert } from '../../ledger/alert-watch.ts'
import type { Message } from '../mailer.ts'
import { escapeHtml, oneLine } from '../shared/plain-text.ts'

const dollars = (amount: number) => `$${amount.toFixed(2)}`

/** `name` is that of the organization or the project. */
export function alertMail(alert: DueAlert, name: string, to: string): Message {
  const { month, threshold_amount, spent, subject_prefix, project_id } = alert
  const shown = oneLine(name)
  const whose = `${project_id === '' ? 'organization' : 'project'} ${shown}`
  const sentence = `The ${whose} has spent ${dollars(dollarsOf(spent))} in ${month} (UTC), which reaches the threshold of ${dollars(threshold_amount / 100)}.`
  const more = 'This alert is sent once a month. It stops no request; a spend limit does.'
  return {
    to,
    subject: `${subject_prefix ? `${subject_prefix} ` : ''}Spend alert: ${shown} reached ${dollars(threshold_amount / 100)}`,
    text: `${sentence}\n\n${more}\n`,
    html: `<p>${escapeHtml(sentence)}</p>\n<p>${escapeHtml(more)}</p>\n`,
  }
}
