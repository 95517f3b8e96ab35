/**
 * Which rows of the roll-ups make up a range of time. A row belongs to the range if its minute,
 * hour or day begins in it, and always the finest rows count that are kept. Where whole hours or
 * days lie in the range, their own rows are read instead, because they have the same sums.
 *
 * So ranges that follow each other have, together, exactly what was used, also where minutes or
 * hours are pruned: there an hour or a day counts as a whole at its begin.
 */
import type { Kept } from './kept-usage.ts'
import { minutesOf, type Width } from './widths.ts'

/** Rows of a table from one minute on and before another, in minutes since 1970. */
export interface Part {
  table: Width
  begin: number
  end: number
}

const finer = { day: 'hour', hour: 'minute' } as const
const coarser = { minute: 'hour', hour: 'day' } as const

/** `widest` is the widest table whose rows may be read where they are not the finest kept. */
export function partsOf(widest: Width, from: number, to: number, kept: Kept): Part[] {
  if (from >= to) return []
  if (widest === 'minute') return keptParts('minute', from, to, kept)
  const minutes = minutesOf[widest]
  const first = Math.min(Math.ceil(from / minutes) * minutes, to)
  const last = Math.max(Math.floor(to / minutes) * minutes, first)
  return [
    ...partsOf(finer[widest], from, first, kept),
    ...keptParts(widest, first, last, kept),
    ...partsOf(finer[widest], last, to, kept),
  ]
}

/** Where rows of the table are pruned, the coarser ones that begin in the range stand for them. */
function keptParts(table: Width, from: number, to: number, kept: Kept): Part[] {
  if (from >= to) return []
  if (table === 'day') return [{ table, begin: from, end: to }]
  const since = kept[table]
  const begin = Math.max(from, since)
  return [
    ...keptParts(coarser[table], from, Math.min(to, since), kept),
    ...(begin < to ? [{ table, begin, end: to }] : []),
  ]
}
