/**
 * The Worker that makes pages of reports from a SQLite database, with a connection of its own that
 * cannot write.
 */
import { Database as Sqlite } from 'bun:sqlite'
import { DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler, type RawBuilder } from 'kysely'
import { keptFrom, keptStatement } from '../ledger/kept-usage.ts'
import { pageText, queryOf, type PageRequest } from '../ledger/report-page.ts'
import { reportStatement, type ReportRow } from '../ledger/report.ts'
import type { ReportQuestion } from './report-maker.ts'

declare const self: Worker

const compiler = new Kysely<unknown>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (sql) => new SqliteIntrospector(sql),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
})
let database: Sqlite | undefined

self.addEventListener('message', ({ data }: MessageEvent<{ id: number; question: ReportQuestion }>) => {
  const { id, question } = data
  const { path, request } = question
  try {
    const rows = rowsOf((database ??= open(path)), request)
    const page = new TextEncoder().encode([...pageText(request, rows)].join('')).buffer as ArrayBuffer
    self.postMessage({ id, answer: page }, [page])
  } catch (error) {
    self.postMessage({ id, error: (error as Error).message }, [])
  }
})

/** In one transaction, so that nothing is pruned between the two statements. */
function rowsOf(database: Sqlite, request: PageRequest): ReportRow[] {
  const all = <Row>(statement: RawBuilder<Row>) => {
    const { sql, parameters } = statement.compile(compiler)
    return database.query(sql).all(...(parameters as never[])) as Row[]
  }
  return database.transaction(() => all(reportStatement(queryOf(request), keptFrom(all(keptStatement)))))()
}

function open(path: string) {
  const connection = new Sqlite(path, { readonly: true })
  connection.run('pragma busy_timeout = 5000')
  return connection
}
