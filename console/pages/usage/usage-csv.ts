/** What is shown, as a file for spreadsheets. */
import type { NameOf } from './usage-names.ts'
import type { Counts, UsageData } from './usage-reports.ts'

const NANO = 1_000_000_000

/** Exact, to the nano-dollar. */
const dollars = (nano: number) => `${Math.floor(nano / NANO)}.${String(nano % NANO).padStart(9, '0')}`

function columnsOf(measure: UsageData['choice']['measure']): [string, (counts: Counts) => number | string][] {
  if (measure === 'cost') return [['cost_usd', ({ nanoDollars }) => dollars(nanoDollars)]]
  const requests: [string, (counts: Counts) => number] = ['requests', (counts) => counts.requests]
  if (measure === 'requests') return [requests]
  return [
    ['input_tokens', ({ input }) => input],
    ['input_cached_tokens', ({ cached }) => cached],
    ['output_tokens', ({ output }) => output],
    requests,
  ]
}

/** A row for each bucket and group in which something was used. */
export function csvOf({ choice, starts, end, groups }: UsageData, nameOf: NameOf): string {
  const columns = columnsOf(choice.measure)
  const rows: (string | number)[][] = [
    ['start_time', 'end_time', `${choice.grouping}_id`, choice.grouping, ...columns.map(([title]) => title)],
  ]
  for (const [place, start] of starts.entries())
    for (const group of groups) {
      const counts = group.buckets[place]!
      if (!Object.values(counts).some((count) => count > 0)) continue
      const times = [start, starts[place + 1] ?? end].map((at) => new Date(at * 1000).toISOString())
      rows.push([...times, group.id, nameOf(group), ...columns.map(([, valueOf]) => valueOf(counts))])
    }
  return rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('')
}

/** A name that a spreadsheet would take for a formula gets a quote in front of it. */
function cell(value: string | number): string {
  const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

export function download(name: string, text: string) {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv;charset=utf-8' }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  // The browser has taken it when the click is over.
  setTimeout(() => URL.revokeObjectURL(url), 1000)
}
