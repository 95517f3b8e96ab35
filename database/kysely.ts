/** Kysely over anything that can run one statement: about what a dialect needs and no more. */
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
import type { Sql } from './open.ts'

const adapters = { sqlite: new SqliteAdapter(), postgres: new PostgresAdapter() }

export type Run = (query: CompiledQuery) => Promise<QueryResult<any>>

/** A query builder whose statements all go to `run`. Transactions are the engine's, not Kysely's. */
export function kyselyOver(engine: 'sqlite' | 'postgres', run: Run): Sql {
  const connection: DatabaseConnection = {
    executeQuery: run,
    streamQuery: () => {
      throw new Error('streaming is not used')
    },
  }
  const ownTransactions = async () => {
    throw new Error('transactions belong to Database.write')
  }
  return new Kysely<Tables>({
    dialect: {
      createAdapter: () => adapters[engine],
      createQueryCompiler: () => (engine === 'sqlite' ? new SqliteQueryCompiler() : new PostgresQueryCompiler()),
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
}

/** Whether a statement answers rows: then the engine must fetch them. */
export const returnsRows = ({ query }: CompiledQuery) =>
  query.kind === 'SelectQueryNode' ||
  query.kind === 'RawNode' ||
  ('returning' in query && query.returning !== undefined)
