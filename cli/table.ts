/** Writes objects as a table that fits the terminal, and one object as lines. */
import type { Terminal } from '../world/terminal.ts'
import { cell, memberOf, type Item } from './cells.ts'

type Screen = Pick<Terminal, 'columns' | 'width'>

const GAP = '  '
/** A text cut to this length says what one wants to know; to the shorter one, what it is about. */
const USEFUL = 24
const NARROWEST = 12
/** So many columns are the point of a list: rather than dropping one of them, texts are cut. */
const POINT = 5

interface Column {
  title: string
  cells: string[]
  /** What it takes uncut. */
  whole: number
  width: number
  isCuttable: boolean
}

/**
 * `isChosen` says that somebody asked for these columns: then none is left out because it says
 * nothing.
 */
export function table(items: readonly Item[], names: readonly string[], isChosen: boolean, { columns, width }: Screen) {
  const shown = names
    .filter((name) => isChosen || isTelling(items, name))
    .map((name): Column => {
      const cells = items.map((item) => cell(name, memberOf(item, name)))
      const title = name.replace(/_at$/, '').replace(/[_.]/g, ' ').toUpperCase()
      const whole = Math.max(width(title), ...cells.map(width))
      // Ids are copied, times and values compared, so they are shown whole or not at all.
      return { title, cells, whole, width: whole, isCuttable: !/^id$|_id$|_at$|^redacted_value$/.test(name) }
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
  const names = Object.keys(item).filter((name) => name !== 'object')
  const longest = Math.max(...names.map(width))
  return names.map((name) => `${fit(name, longest, width)}${GAP}${cell(name, item[name], true)}\n`).join('')
}

/**
 * A column with nothing in it is left out. That keys were never used, or never expire, is
 * something.
 */
const isTelling = (items: readonly Item[], name: string) =>
  /^(last_used|expires)_at$/.test(name) || items.some((item) => (memberOf(item, name) ?? null) !== null)

/**
 * Makes columns fit. While there are more than the few that matter, the last ones go until the
 * texts of the others have a useful length; then texts are cut further, and at last more columns
 * go. What is then to spare goes back to the cut texts.
 */
function shrink(shown: Column[], columns: number) {
  const gaps = () => GAP.length * (shown.length - 1)
  const widthAt = (least: number) => shown.reduce((sum, column) => sum + cutTo(column, least), gaps())
  while (shown.length > POINT && widthAt(USEFUL) > columns) shown.pop()
  while (shown.length > 1 && widthAt(NARROWEST) > columns) shown.pop()
  const least = [Infinity, USEFUL, NARROWEST].find((length) => widthAt(length) <= columns) ?? columns
  for (const column of shown) column.width = Math.min(columns, cutTo(column, least))
  for (const column of shown) {
    const spare = columns - shown.reduce((sum, { width }) => sum + width, gaps())
    column.width += Math.max(0, Math.min(column.whole - column.width, spare))
  }
}

const cutTo = ({ whole, isCuttable }: Column, least: number) => (isCuttable ? Math.min(whole, least) : whole)

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
