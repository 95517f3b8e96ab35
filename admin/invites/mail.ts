/** The message that invites somebody: as text, and as simple HTML. */
import type { Message } from '../mailer.ts'
import { escapeHtml, oneLine } from '../shared/plain-text.ts'

export interface Invitation {
  to: string
  /** Who invites. */
  inviter: { name: string; email: string }
  organization: string
  role: 'owner' | 'reader' | 'member'
  projects: readonly { name: string; role: string }[]
  link: string
  /** Unix seconds. */
  expires_at: number
}

export function invitation({ to, link, ...invited }: Invitation): Message {
  const inviter = `${oneLine(invited.inviter.name)} (${invited.inviter.email})`
  const organization = oneLine(invited.organization)
  const role = invited.role === 'owner' ? 'an owner' : `a ${invited.role}`
  const projects = invited.projects.map(({ name, role }) => `${oneLine(name)} (${role})`)
  const until = `${new Date(invited.expires_at * 1000).toISOString().slice(0, 16).replace('T', ' ')} UTC`
  const sentence = `${inviter} invites you to join ${organization} on Keyhall as ${role}.`
  const ends = `The link works once, until ${until}. If you did not expect this message, ignore it.`
  const text = [
    sentence,
    ...(projects.length > 0 ? [`Projects:\n${projects.map((project) => `- ${project}`).join('\n')}`] : []),
    `Accept here:\n${link}`,
    ends,
  ]
  const html = [
    `<p>${escapeHtml(sentence)}</p>`,
    ...(projects.length > 0
      ? [`<p>Projects:</p>\n<ul>${projects.map((project) => `<li>${escapeHtml(project)}</li>`).join('')}</ul>`]
      : []),
    `<p><a href="${escapeHtml(link)}">Accept the invitation</a></p>`,
    `<p>${escapeHtml(ends)}</p>`,
  ]
  return {
    to,
    subject: `${oneLine(invited.inviter.name)} invites you to join ${organization}`,
    text: `${text.join('\n\n')}\n`,
    html: `${html.join('\n')}\n`,
  }
}
