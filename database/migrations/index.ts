/** The migrations in order, one list for both engines. Forward only, and additive first: the previous version runs on the new schema. */
import { first } from './001-first.ts'
import { people } from './002-people.ts'
import { revocations } from './003-revocations.ts'
import { seals } from './004-seals.ts'
import { search } from './005-search.ts'
import { groupUsers } from './006-group-users.ts'

/** The few words in which the two engines' DDL differs. */
export interface Dialect {
  /** Text that sorts by bytes on both engines. */
  text: string
  integer: string
  bytes: string
  /** What ends a `create table`. */
  strict: string
  /** Ends it instead where rows that are read together shall lie together, in the order of the primary key; PostgreSQL has no such tables. */
  clustered: string
}

export interface Migration {
  name: string
  statements: (dialect: Dialect) => string[]
}

export const migrations: readonly Migration[] = [first, people, revocations, seals, search, groupUsers]
