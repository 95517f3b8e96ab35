/** Lists as CSV for spreadsheets, in the form of RFC 4180. */
import { memberOf, rawCell, type Item } from './cells.ts'

export const csv = (items: readonly Item[], columns: readonly string[]) =>
  [columns, ...items.map((item) => columns.map((name) => rawCell(name, memberOf(item, name))))]
    .map((row) => `${row.map(field).join(',')}\r\n`)
    .join('')

/**
 * A spreadsheet would run a text that begins like a formula, and anybody can choose the name of a
 * key. An apostrophe in front makes it text again.
 */
function field(text: string): string {
  const safe = /^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
