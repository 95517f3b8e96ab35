/**
 * A list as a table, page by page. On narrow screens each row is a block with the titles of the
 * columns in it.
 */
import type { ComponentChildren } from 'preact'
import type { List } from '../use-calls.ts'
import { Problem } from './problem.tsx'

export interface Column<Row> {
  title: string
  cell: (row: Row) => ComponentChildren
  /** Numbers stand at the right. */
  isNumber?: boolean
  /** The heading is a button that sorts the list. */
  sort?: Sort
}

export interface Sort {
  /** How the list is sorted by this column now; null if it is not. */
  direction: 'ascending' | 'descending' | null
  onSort: () => void
}

export interface Selection<Row> {
  /** What a row is called. */
  nameOf: (row: Row) => string
  has: (row: Row) => boolean
  set: (row: Row, isChosen: boolean) => void
}

interface Props<Row> {
  /** What the table lists, for screen readers. */
  caption: string
  /** The first one names the row. */
  columns: readonly Column<Row>[]
  list: List<Row>
  keyOf: (row: Row) => string
  /** What can be done with a row; false for nothing. */
  actions?: ((row: Row) => ComponentChildren) | false
  /** Rows that can be chosen, each by a box in front of it; false for none. */
  selection?: Selection<Row> | false
  /** What is shown in the place of a table without rows. */
  empty: ComponentChildren
}

export function DataTable<Row>(props: Props<Row>) {
  const { list, empty } = props
  const problem = <Problem problem={list.problem} retry={list.retry} />
  if (!list.isKnown && list.problem !== undefined) return problem
  const isSearching = list.items.length === 0 && (list.hasMore || list.isStale)
  if (!list.isKnown || (isSearching && list.problem === undefined)) return <Waiting />
  if (list.items.length === 0) return list.problem === undefined ? <>{empty}</> : problem
  return (
    <>
      {problem}
      <p class="visually-hidden" role="status">
        {list.isStale ? 'Loading …' : ''}
      </p>
      <div class="scroll">
        <Table {...props} />
      </div>
      {list.hasMore && (
        <button type="button" class="more" onClick={() => void list.more()} disabled={list.isLoading}>
          {list.isLoading ? 'Loading …' : 'Show more'}
        </button>
      )}
    </>
  )
}

/** What is known already, as a list: all of it, or as much as `more` leaves out. */
export const listOf = <Item,>(items: readonly Item[], { isLoading = false, more }: ListOptions = {}): List<Item> => ({
  items,
  problem: undefined,
  isLoading,
  isKnown: true,
  isStale: false,
  hasMore: more !== undefined,
  more: async () => more?.(),
  reload: () => {},
  retry: () => {},
})

interface ListOptions {
  isLoading?: boolean
  /** Shows more. */
  more?: (() => void) | undefined
}

/** It appears after a moment, so that a quick answer does not flicker. */
export const Waiting = () => (
  <p class="waiting" role="status">
    Loading …
  </p>
)

/** The roles are written out because blocks on narrow screens would lose them. */
function Table<Row>({ caption, columns, list, keyOf, actions, selection }: Props<Row>) {
  return (
    <table role="table" aria-busy={list.isLoading}>
      <caption class="visually-hidden">{caption}</caption>
      <thead role="rowgroup">
        <tr role="row">
          {selection && (
            <th role="columnheader" scope="col">
              <span class="visually-hidden">Chosen</span>
            </th>
          )}
          {columns.map((column) => (
            <Heading key={column.title} {...column} />
          ))}
          {actions && (
            <th role="columnheader" scope="col">
              <span class="visually-hidden">Actions</span>
            </th>
          )}
        </tr>
      </thead>
      {/* Rows of an earlier question are dimmed, and nothing can be done with them. */}
      <tbody role="rowgroup" inert={list.isStale}>
        {list.items.map((row) => (
          <tr key={keyOf(row)} role="row">
            {selection && <Chooser row={row} selection={selection} />}
            {columns.map(({ title, cell, isNumber }, at) => (
              <Cell key={title} title={title} isFirst={at === 0} isNumber={isNumber}>
                {cell(row)}
              </Cell>
            ))}
            {actions && (
              <td role="cell" class="actions">
                {actions(row)}
              </td>
            )}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

const marks = { ascending: '▲', descending: '▼' }

const Heading = ({ title, isNumber, sort }: Pick<Column<unknown>, 'title' | 'isNumber' | 'sort'>) => (
  <th role="columnheader" scope="col" class={isNumber ? 'number' : undefined} aria-sort={sort?.direction ?? undefined}>
    {sort ? (
      <button type="button" class="sort" onClick={sort.onSort}>
        {title}
        <span aria-hidden="true">{sort.direction ? marks[sort.direction] : ''}</span>
      </button>
    ) : (
      title
    )}
  </th>
)

const Chooser = <Row,>({ row, selection }: { row: Row; selection: Selection<Row> }) => (
  <td role="cell" class="chooser">
    <input
      type="checkbox"
      aria-label={`Choose ${selection.nameOf(row)}`}
      checked={selection.has(row)}
      onChange={(event) => selection.set(row, event.currentTarget.checked)}
    />
  </td>
)

interface CellProps {
  title: string
  isFirst: boolean
  isNumber: boolean | undefined
  children: ComponentChildren
}

function Cell({ title, isFirst, isNumber, children }: CellProps) {
  const content = (
    <>
      <span class="column" aria-hidden="true">
        {title}
      </span>
      <span class="value">{children}</span>
    </>
  )
  if (isFirst)
    return (
      <th role="rowheader" scope="row">
        {content}
      </th>
    )
  return (
    <td role="cell" class={isNumber ? 'number' : undefined}>
      {content}
    </td>
  )
}
