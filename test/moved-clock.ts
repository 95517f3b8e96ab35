/** A database whose clock a test moves. */
import { databaseNow } from '../database/clock.ts'
import { kyselyOver, runOf } from '../database/kysely.ts'
import type { Database, Sql } from '../database/types.ts'

type Around = <Result>(work: () => Promise<Result>) => Promise<Result>

interface MovedClock {
  /** What stands in statements for the time, in milliseconds; `clock` is what stood there. */
  now: (clock: string) => string
  /** Called around each statement and each transaction. */
  during?: Around
  onStatement?: () => void
}

export function withMovedClock(
  database: Database,
  { now, during = (work) => work(), onStatement = () => {} }: MovedClock,
): Database {
  const { engine } = database
  const clock = databaseNow(engine).compile(database.read).sql
  const timed = (sql: Sql) =>
    kyselyOver(engine, (text, parameters, hasRows) => {
      onStatement()
      return during(() => runOf(sql)(text.replaceAll(clock, now(clock)), parameters, hasRows))
    })
  return {
    engine,
    path: database.path,
    processLocks: database.processLocks,
    read: timed(database.read),
    write: (work) => during(() => database.write((sql) => work(timed(sql)))),
    writeUnsynced: (work) => during(() => database.writeUnsynced((sql) => work(timed(sql)))),
    announce: (sql) => database.announce(sql),
    listen: (heard) => database.listen(heard),
    ping: () => database.ping(),
    close: () => database.close(),
  }
}

/** The database's clock is as far ahead as the server's, which is known when it has started. */
export const movedWith = (server: () => { world: { ahead: number } } | undefined) => (database: Database) =>
  withMovedClock(database, { now: (clock) => `(${clock} + ${Math.round((server()?.world.ahead ?? 0) * 1000)})` })
