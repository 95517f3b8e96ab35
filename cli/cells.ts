/** Writes the members of an object as text: for a table, for one object, for CSV. */
import { printable } from '../world/printable.ts'

export type Item = Record<string, unknown>

const isTime = (name: string) => /_at$|_time$/.test(name)
const isEnd = (name: string) => /^(last_used|expires)_at$/.test(name)

/** A member that is asked for by name, with dots for one inside another. */
export const memberOf = (item: Item, name: string) =>
  name.split('.').reduce<unknown>((inner, part) => (inner as Item | null | undefined)?.[part], item)

/** `isAlone` where there is room for the id beside the name. */
export function cell(name: string, value: unknown, isAlone = false): string {
  if (value === null || value === undefined) return isEnd(name) ? 'never' : '-'
  if (typeof value === 'number' && isTime(name)) return moment(value)
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (Array.isArray(value)) return value.map((one) => cell(name, one)).join(', ') || '-'
  if (typeof value === 'object') return called(value as Item, isAlone)
  return plain(value)
}

/**
 * A cell for programs: times in UTC as ISO 8601, nothing where there is nothing, and JSON for what
 * has no name.
 */
export function rawCell(name: string, value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number' && isTime(name)) return new Date(value * 1000).toISOString().replace('.000Z', 'Z')
  if (Array.isArray(value)) return value.map((one) => rawCell(name, one)).join(', ')
  if (typeof value === 'object') return called(value as Item, false)
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/**
 * What an object is called. `{ type: 'user', user: {…} }` is the user; of any other kind the kind
 * is said.
 */
function called(value: Item, isAlone: boolean): string {
  const inside = typeof value.type === 'string' ? value[value.type] : undefined
  if (typeof inside === 'object' && inside !== null) {
    const name = called(inside as Item, isAlone)
    return value.type === 'user' ? name : `${name} (${printable(String(value.type).replaceAll('_', ' '))})`
  }
  const name = value.value ?? value.email ?? value.name ?? value.id
  if (name === undefined) return plain(value)
  return isAlone && value.id && name !== value.id ? `${plain(name)} (${plain(value.id)})` : plain(name)
}

const plain = (value: unknown) => printable(typeof value === 'string' ? value : JSON.stringify(value))

/** Local time, to the minute. */
function moment(seconds: number): string {
  const at = new Date(seconds * 1000)
  const two = (part: number) => String(part).padStart(2, '0')
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`
}
