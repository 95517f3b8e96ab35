/** How this server makes reports: in a Worker on SQLite, and directly on PostgreSQL. */
import type { Database } from '../database/types.ts'
import type { PageRequest } from '../ledger/report-page.ts'
import { inPieces, reportsFrom, slices, type MakePage } from '../ledger/reports.ts'
import { AskedWorker, WorkerBroken } from './asked-worker.ts'
import { startWorker } from './start-worker.ts'

export interface ReportQuestion {
  path: string
  request: PageRequest
}

export interface Reports {
  make: MakePage
  stop: () => void
}

/** Where the Worker cannot run, which `onBroken` is told once, reports are made in this process. */
export function openReports(database: Database, onBroken: (cause: string) => void): Reports {
  const makeHere = reportsFrom(database)
  const { path } = database
  if (path === null) return { make: makeHere, stop: () => {} }
  const worker = new AskedWorker<ReportQuestion, ArrayBuffer>(() => startWorker('report-worker'), onBroken)
  return {
    make: (request) =>
      worker.ask({ path, request }).then(
        (page) => inPieces(slices(page)),
        (error: unknown) => {
          if (error instanceof WorkerBroken) return makeHere(request)
          throw error
        },
      ),
    stop: () => worker.stop(),
  }
}
