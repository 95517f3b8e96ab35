/** Kysely over a function that runs one statement: the parts of a dialect that Keyhall needs. */
import {
  Kysely,
  PostgresAdapter,
  PostgresQueryCompiler,
  SqliteAdapter,
  SqliteQueryCompiler,
  type CompiledQuery,
  type DatabaseConnection,
  type QueryResult,
} from 'kysely'
import type { Tables } from './tables.ts'
import type { Sql } from './types.ts'

const adapters = { sqlite: new SqliteAdapter(), postgres: new PostgresAdapter() }

/** Runs one statement. `rows` says whether it answers any: then the engine must fetch them. */
export type Run = (sql: string, parameters: readonly unknown[], rows: boolean) => Promise<QueryResult<any>>

/**
 * SQLite looks at the values bound to a join or a limit when it plans, and so prepares the
 * statement anew on each run: measured, ten times the cost of the run itself. Behind a plus, which
 * changes no value, it does not see them.
 */
class SqliteCompiler extends SqliteQueryCompiler {
  protected override getCurrentParameterPlaceholder() {
    return '+?'
  }
}

const runs = new WeakMap<Sql, Run>()

/**
 * The function that runs the statements of this `Sql`. A statement that is compiled already goes to
 * it directly and not through Kysely's executor, which saves five promises.
 */
export const runOf = (sql: Sql): Run => runs.get(sql)!

/**
 * A query builder whose statements all go to `run`. Transactions are the engine's, not Kysely's.
 */
export function kyselyOver(engine: 'sqlite' | 'postgres', run: Run): Sql {
  const connection: DatabaseConnection = {
    executeQuery: (query) => run(query.sql, query.parameters, returnsRows(query)),
    streamQuery: () => {
      throw new Error('streaming is not used')
    },
  }
  const ownTransactions = async () => {
    throw new Error('transactions belong to Database.write')
  }
  const sql = new Kysely<Tables>({
    dialect: {
      createAdapter: () => adapters[engine],
      createQueryCompiler: () => (engine === 'sqlite' ? new SqliteCompiler() : new PostgresQueryCompiler()),
      createIntrospector: () => {
        throw new Error('introspection is not used')
      },
      createDriver: () => ({
        init: async () => {},
        acquireConnection: async () => connection,
        releaseConnection: async () => {},
        beginTransaction: ownTransactions,
        commitTransaction: ownTransactions,
        rollbackTransaction: ownTransactions,
        destroy: async () => {},
      }),
    },
  })
  runs.set(sql, run)
  return sql
}

/** Whether a statement answers rows. */
export const returnsRows = ({ query }: CompiledQuery) =>
  query.kind === 'SelectQueryNode' ||
  query.kind === 'RawNode' ||
  ('returning' in query && query.returning !== undefined)
