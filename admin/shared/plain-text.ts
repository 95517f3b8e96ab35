/** What somebody typed, in the mails and pages that show it. */

/**
 * Names are what somebody typed: no line breaks in the subject, and nothing in the text that looks
 * like a line of ours.
 */
export const oneLine = (name: string) => name.replace(/[\s\p{C}]+/gu, ' ').trim()

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** For HTML, also within an attribute. */
export const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (character) => entities[character]!)
