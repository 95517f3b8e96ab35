/** Kysely over one connection to SQLite, with its prepared statements. */
import type { Database as Sqlite, Statement } from 'bun:sqlite'
import { kyselyOver } from './kysely.ts'
import type { SqliteFaults } from './sqlite-faults.ts'
import type { Sql } from './types.ts'

/** bun:sqlite itself keeps twenty prepared statements. We use more, and this is their bound. */
const MOST_STATEMENTS = 1_000

export const sqlOn = (connection: Sqlite, faults: SqliteFaults): Sql => {
  const statements = new SqliteStatements(connection, faults)
  open.set(connection, statements)
  return kyselyOver('sqlite', (sql, parameters, hasRows) => statements.run(sql, parameters, hasRows))
}

const open = new WeakMap<Sqlite, SqliteStatements>()

/** Closes a connection and its statements: while one of them lives, the file counts as in use. */
export function closeConnection(connection: Sqlite) {
  open.get(connection)?.finalize()
  connection.close()
}

class SqliteStatements {
  readonly #connection: Sqlite
  readonly #faults: SqliteFaults
  readonly #prepared = new Map<string, Statement>()

  constructor(connection: Sqlite, faults: SqliteFaults) {
    this.#connection = connection
    this.#faults = faults
  }

  async run(sql: string, parameters: readonly unknown[], hasRows: boolean) {
    try {
      const statement = this.#prepare(sql)
      if (hasRows) return { rows: statement.all(...(parameters as any[])) }
      return { rows: [], numAffectedRows: BigInt(statement.run(...(parameters as any[])).changes) }
    } catch (error) {
      throw this.#faults.translate(error)
    }
  }

  finalize() {
    for (const statement of this.#prepared.values()) statement.finalize()
    this.#prepared.clear()
  }

  #prepare(sql: string) {
    let statement = this.#prepared.get(sql)
    if (!statement) {
      if (this.#prepared.size >= MOST_STATEMENTS) this.#prepared.clear()
      this.#prepared.set(sql, (statement = this.#connection.prepare(sql)))
    }
    return statement
  }
}
