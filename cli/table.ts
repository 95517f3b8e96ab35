/** Objects as a table, one object as lines: which members are shown, in which order, and how they read. */
import { printable } from './printable.ts'
import type { Terminal } from './terminal.ts'

type Item = Record<string, unknown>
type Screen = Pick<Terminal, 'columns' | 'width'>

/** From what one looks for first to what is left out first when the terminal is narrow. */
const order = [
  'id',
  'name',
  'email',
  'role',
  'status',
  'owner',
  'redacted_value',
  'last_used_at',
  'expires_at',
  'created_at',
  'added_at',
]

const GAP = '  '
const USEFUL = 24
const NARROWEST = 8

export function table(items: readonly Item[], { columns, width }: Screen): string {
  const shown = columnsOf(items).map((name) => {
    const cells = items.map((item) => cell(name, item[name]))
    const title = name.replace(/_at$/, '').replaceAll('_', ' ').toUpperCase()
    const whole = Math.max(width(title), ...cells.map(width))
    return { title, cells, whole, width: whole }
  })
  shrink(shown, columns)
  const line = (cells: string[]) =>
    cells
      .map((text, index) => fit(text, shown[index]!.width, width))
      .join(GAP)
      .trimEnd()
  const rows = items.map((_, row) => line(shown.map(({ cells }) => cells[row]!)))
  return [line(shown.map(({ title }) => title)), ...rows].join('\n') + '\n'
}

/** One object, a member a line. */
export function fields(item: Item, { width }: Screen): string {
  const names = columnsOf([item], true)
  const longest = Math.max(...names.map(width))
  return names.map((name) => `${fit(name, longest, width)}${GAP}${cell(name, item[name], true)}\n`).join('')
}

interface Column {
  /** What it takes uncut. */
  whole: number
  width: number
}

/**
 * Makes columns fit. Long texts may be cut to a useful length; when that is not enough, whole columns go, the least important first; what
 * is then to spare goes back to the cut ones. Ids stay whole, because people copy them.
 */
function shrink(shown: Column[], columns: number) {
  const spare = () => columns - shown.reduce((sum, { width }) => sum + width + GAP.length, -GAP.length)
  const cut = (least: number) => {
    if (spare() < 0) for (const column of shown.slice(1)) column.width = Math.min(column.whole, least)
  }
  cut(USEFUL)
  while (spare() < 0 && shown.length > 2) shown.pop()
  cut(NARROWEST)
  for (const column of shown.slice(1)) column.width += Math.max(0, Math.min(column.whole - column.width, spare()))
}

/** The members that say something: without the name of the type, and in a list without what is empty in all. */
function columnsOf(items: readonly Item[], isAlone = false): string[] {
  const names = [...new Set(items.flatMap(Object.keys))].filter(
    (name) =>
      name !== 'object' &&
      (isAlone || /^(last_used|expires)_at$/.test(name) || items.some((item) => (item[name] ?? null) !== null)),
  )
  const rank = (name: string) => (order.includes(name) ? order.indexOf(name) : order.length)
  return isAlone ? names : names.toSorted((one, other) => rank(one) - rank(other))
}

function cell(name: string, value: unknown, isAlone = false): string {
  if (value === null || value === undefined) return /^(last_used|expires)_at$/.test(name) ? 'never' : '-'
  if (typeof value === 'number' && /_at$|_time$/.test(name)) return moment(value)
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (Array.isArray(value)) return value.map((one) => cell(name, one)).join(', ') || '-'
  if (typeof value === 'object') return thing(value as Item, isAlone)
  return plain(value)
}

/** An object in a cell: what it is called. `{ type: 'user', user: {…} }` is the user. */
function thing(value: Item, isAlone: boolean): string {
  const inside = typeof value.type === 'string' ? value[value.type] : undefined
  if (typeof inside === 'object' && inside !== null) return `${thing(inside as Item, isAlone)} (${kind(value.type)})`
  const called = value.value ?? value.email ?? value.name ?? value.id
  if (called === undefined) return plain(value)
  return isAlone && value.id && called !== value.id ? `${plain(called)} (${plain(value.id)})` : plain(called)
}

const plain = (value: unknown) => printable(typeof value === 'string' ? value : JSON.stringify(value))

const kind = (type: unknown) => printable(String(type).replaceAll('_', ' '))

/** Local time, to the minute. */
function moment(seconds: number): string {
  const at = new Date(seconds * 1000)
  const two = (part: number) => String(part).padStart(2, '0')
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`
}

/** Cut or filled up to exactly this width. */
function fit(text: string, most: number, width: (text: string) => number): string {
  if (width(text) <= most) return text + ' '.repeat(most - width(text))
  let cut = ''
  for (const character of text) {
    if (width(cut + character) > most - 1) break
    cut += character
  }
  return `${cut}…${' '.repeat(most - 1 - width(cut))}`
}
