/**
 * Prints what an operation answered: as JSON, a line each, a table, a spreadsheet, or one member
 * alone.
 */
import type { Keyhall, Page } from '../client/index.ts'
import { printable, printableJson } from '../world/printable.ts'
import type { Terminal } from '../world/terminal.ts'
import { memberOf, type Item } from './cells.ts'
import { withComputed } from './columns.ts'
import { csv } from './csv.ts'
import { isLimits, limitColumns, limitRows, limitsTables } from './limits-table.ts'
import type { Output } from './remote-flags.ts'
import { isReport, reportRows } from './report-rows.ts'
import { fields, table } from './table.ts'

export interface Printing {
  /** The words of the command. */
  command: string
  output: Output
  /** The one member to print. */
  field: string | undefined
  columns: readonly string[]
  /** Whether somebody asked for these columns. */
  isChosen: boolean
  /** Whether all pages are walked. */
  isAll: boolean
  terminal: Terminal
}

export function printItem(item: Item, printing: Printing) {
  const { output, field, terminal, columns } = printing
  if (isReport(item) && (field !== undefined || output === 'table' || output === 'csv')) printReport(item, printing)
  else if (field !== undefined) terminal.out(`${bare(memberOf(item, field))}\n`)
  else if (output === 'table') terminal.out(isLimits(item) ? limitsTables(item, terminal) : fields(item, terminal))
  else if (output === 'csv') terminal.out(isLimits(item) ? csv(limitRows(item), limitColumns) : csv([item], columns))
  else terminal.out(`${printableJson(item, output === 'json' ? 2 : undefined)}\n`)
}

function printReport(item: Item, { output, field, terminal, columns, isChosen }: Printing) {
  const rows = reportRows(item)
  if (field !== undefined) for (const row of rows) terminal.out(`${bare(memberOf(row, field))}\n`)
  else if (output === 'csv') terminal.out(csv(rows, columns))
  else if (rows.length > 0) terminal.out(table(rows, columns, isChosen, terminal))
  else if (terminal.isTerminal) terminal.err('There are none.\n')
  if (item.next_page) terminal.err(`There are more: --page ${bare(item.next_page)} shows the next page.\n`)
}

export async function printList(answer: Page<Item>, client: Keyhall, printing: Printing) {
  const { output, field, isAll, terminal } = printing
  const { out, err, isErrTerminal } = terminal
  const first = await firstFound(answer)
  const items: Item[] = []
  let count = 0
  for await (const page of isAll ? first.iterPages() : [first]) {
    if (field !== undefined) for (const item of page.data) out(`${bare(memberOf(item, field))}\n`)
    else if (output === 'jsonl') for (const item of page.data) out(`${printableJson(item)}\n`)
    else items.push(...page.data)
    count += page.data.length
    if (isAll && isErrTerminal && page.hasNextPage()) err(`\r${count} so far …\u001b[K`)
  }
  if (isAll && isErrTerminal) err('\r\u001b[K')
  if (field !== undefined) return
  if (output === 'json') out(`${printableJson(envelope(first, items, isAll), 2)}\n`)
  if (output !== 'table' && output !== 'csv') return
  const rows = await rowsOf(items, client, printing)
  if (output === 'csv') return out(csv(rows, printing.columns))
  if (rows.length > 0) out(table(rows, printing.columns, printing.isChosen, terminal))
  else if (terminal.isTerminal) err('There are none.\n')
  if (rows.length > 0 && !isAll && first.hasNextPage())
    err(`There are more: --all shows them, --after ${printable(cursorOf(first))} the next page.\n`)
}

/**
 * The first page that has anything: a search among very many keys may answer some that have not.
 */
async function firstFound(page: Page<Item>): Promise<Page<Item>> {
  while (page.data.length === 0 && page.hasNextPage()) page = await page.getNextPage()
  return page
}

const MOST_NAMED_PROJECTS = 100

/**
 * The objects with what only tables show. Of very many projects, and without permission to read
 * them, the id stands for the name.
 */
async function rowsOf(items: readonly Item[], client: Keyhall, { command, columns }: Printing) {
  const ids = [...new Set(items.map(({ project_id }) => project_id))].filter((id) => typeof id === 'string')
  const names = new Map<string, string>()
  if (command === 'api-keys list' && columns.includes('project') && ids.length <= MOST_NAMED_PROJECTS)
    await Promise.all(
      ids.map(async (id) => {
        const project = await client.admin.organization.projects.retrieve(id).catch(() => null)
        if (project?.name) names.set(id, project.name)
      }),
    )
  return items.map((item) => withComputed(command, item, names))
}

/** The page as the server sent it; of all pages, one that holds them all. */
function envelope(first: Page<Item>, items: Item[], isAll: boolean) {
  const { object, data: _, ...others } = first as unknown as Item
  const wire = { object, data: items, ...others }
  // The client has an empty text where the wire has null, because the official SDK's type says that
  // it is text.
  if ('last_id' in wire && !wire.last_id) Object.assign(wire, { last_id: null })
  if (!isAll) return wire
  return {
    ...wire,
    has_more: false,
    ...('last_id' in wire && { last_id: items.at(-1)?.id ?? null }),
    ...('next' in wire && { next: null }),
  }
}

const cursorOf = (page: Page<Item>) => {
  const { next, last_id } = page as unknown as { next?: string; last_id?: string }
  return String(next || last_id)
}

const bare = (value: unknown) => (typeof value === 'string' ? printable(value) : printableJson(value ?? null))
