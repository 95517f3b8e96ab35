/**
 * Makes pages of reports. On SQLite that happens in a Worker with a connection of its own, because
 * a large page would stop all other requests; PostgreSQL is another process, and its rows are read
 * in pieces.
 */
import type { Database } from '../database/types.ts'
import { readKept, type Kept } from './kept-usage.ts'
import { reportStatement, type ReportQuery, type ReportRow } from './report.ts'
import { pageText, queryOf, type PageRequest } from './report-page.ts'
import { minutesOf } from './widths.ts'

/** How many buckets are read and made at once where rows are handled in this process. */
const BUCKETS_AT_ONCE = { minute: 60, hour: 30, day: 5 } as const
/** Costs have the rows of all kinds of usage. */
const atOnce = ({ width, kind }: ReportQuery) => Math.ceil(BUCKETS_AT_ONCE[width] / (kind === null ? 4 : 1))
/** How much is given to the socket at once. */
const PIECE_BYTES = 128 * 1024

/** The text of a page; as a stream where it is large, so that no other request waits for it. */
export type MakePage = (request: PageRequest) => Promise<ReadableStream<Uint8Array> | string>

/** Makes pages in this process. */
export const reportsFrom =
  (database: Database): MakePage =>
  async (request) => {
    const query = queryOf(request)
    const rows = await readKept(database.read, (kept) => rowsOf(database, query, kept))
    return inPieces(encoded(pageText(request, rows), atOnce(query)))
  }

/** Whole where it is one piece. */
export function inPieces(pieces: Iterator<Uint8Array>): ReadableStream<Uint8Array> | string {
  const first = pieces.next()
  let next = pieces.next()
  if (next.done) return new TextDecoder().decode(first.value as Uint8Array | undefined)
  let isFirst = true
  return new ReadableStream<Uint8Array>(
    {
      // Between two pieces other requests have their turn.
      async pull(controller) {
        await new Promise<void>((resolve) => setImmediate(resolve))
        if (isFirst) controller.enqueue(first.value as Uint8Array)
        else if (next.done) controller.close()
        else {
          controller.enqueue(next.value)
          next = pieces.next()
        }
        isFirst = false
      },
    },
    { highWaterMark: 0 },
  )
}

/** A piece is made of at most so many parts, because a short one may be made of many rows. */
function* encoded(parts: Iterable<string>, most: number): Generator<Uint8Array> {
  let text = ''
  let count = 0
  for (const part of parts) {
    text += part
    if (text.length < PIECE_BYTES && ++count < most) continue
    yield new TextEncoder().encode(text)
    text = ''
    count = 0
  }
  yield new TextEncoder().encode(text)
}

/** Views of the bytes, which are not copied. */
export function* slices(bytes: ArrayBuffer): Generator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += PIECE_BYTES)
    yield new Uint8Array(bytes, at, Math.min(PIECE_BYTES, bytes.byteLength - at))
}

async function rowsOf(database: Database, query: ReportQuery, kept: Kept): Promise<ReportRow[]> {
  const rows: ReportRow[] = []
  const seconds = minutesOf[query.width] * 60
  for (let { from } = query; from < query.to;) {
    const to = Math.min(from - (from % seconds) + seconds * atOnce(query), query.to)
    const part = await reportStatement({ ...query, from, to }, kept).execute(database.read)
    for (const row of part.rows) rows.push(numbers(row))
    from = to
  }
  return rows
}

/** PostgreSQL answers sums as text. */
export function numbers(row: ReportRow): ReportRow {
  for (const name of ['bucket', 'batch', 'estimated', 'priced'] as const)
    if (row[name] !== undefined) row[name] = Number(row[name])
  return row
}
