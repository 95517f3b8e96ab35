/** A list whose rows are all in memory, for the pager. */
import { UnknownCursor } from './storage-errors.ts'
import type { Cursor, List } from './pager.ts'

interface MemoryList<Row> {
  /** In ascending order. Also rows that are not shown: a cursor may name them. */
  rows: readonly Row[]
  idOf: (row: Row) => string
  isNamed: (row: Row, cursor: string) => boolean
  isShown: (row: Row) => boolean
}

export function memoryList<Row>({ rows, idOf, isNamed, isShown }: MemoryList<Row>): List<Row> {
  const indexOf = (all: readonly Row[], { id, param }: Cursor) => {
    const index = all.findIndex((row) => isNamed(row, id))
    if (index < 0) throw new UnknownCursor(id, param)
    return index
  }
  return {
    idOf,
    async read({ order, start, end, limit }) {
      const all = order === 'asc' ? rows : rows.toReversed()
      const from = start ? indexOf(all, start) + 1 : 0
      const to = end ? indexOf(all, end) : all.length
      return { rows: all.slice(from, Math.max(from, to)).filter(isShown).slice(0, limit) }
    },
  }
}
