/** What a migration is, and the keywords in which the two engines differ. */

/** The keywords in which the engines' DDL differs. */
export interface Dialect {
  /** Text that sorts by bytes on both engines. */
  text: string
  integer: string
  bytes: string
  /** The query for the names of all tables. */
  tables: string
  /** What ends a `create table`. */
  strict: string
  /**
   * Ends it instead for a table that is stored in the order of its primary key, so that rows that
   * are read together lie together. PostgreSQL has no such tables.
   */
  clustered: string
  /**
   * How a generated column is kept that is added to a table: SQLite can add only virtual ones, and
   * PostgreSQL before version 18 has only stored ones.
   */
  generated: 'stored' | 'virtual'
  /** None on SQLite, where our constraints have no names. */
  renameConstraint: (table: string, from: string, to: string) => string[]
  bytesLiteral: (bytes: Uint8Array) => string
}

export interface Migration {
  name: string
  /**
   * A server that does not know this migration must not start on the database: the migration takes
   * away what older servers use, or adds a restriction that they would not enforce.
   */
  isBreaking?: true
  statements: (dialect: Dialect) => string[]
}

export const dialects: { sqlite: Dialect; postgres: Dialect } = {
  sqlite: {
    text: 'text',
    integer: 'integer',
    bytes: 'blob',
    tables: `select name from sqlite_schema where type = 'table'`,
    strict: ' strict',
    clustered: ' strict, without rowid',
    generated: 'virtual',
    renameConstraint: () => [],
    bytesLiteral: (bytes) => `x'${Buffer.from(bytes).toString('hex')}'`,
  },
  postgres: {
    text: 'text collate "C"',
    integer: 'bigint',
    bytes: 'bytea',
    tables: 'select tablename as name from pg_tables where schemaname = current_schema()',
    strict: '',
    clustered: '',
    generated: 'stored',
    renameConstraint: (table, from, to) => [`alter table ${table} rename constraint ${from} to ${to}`],
    bytesLiteral: (bytes) => `'\\x${Buffer.from(bytes).toString('hex')}'::bytea`,
  },
}
