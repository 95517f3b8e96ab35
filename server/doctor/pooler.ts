/** Whether a pooler in front of PostgreSQL works in a way in which Keyhall can use it. */
import { isPooled } from '../../database/postgres.ts'
import { check, ok } from './finding.ts'
import { readDatabase } from './read-database.ts'

export const pooler = check({
  name: 'pooler',
  settings: ['database'],
  late: 'Look whether the pooler has connections to PostgreSQL left (default_pool_size of PgBouncer).',
  async look({ database: address }) {
    if (address.startsWith('sqlite:')) return [ok('None is needed with SQLite.')]
    // Whether it can be reached at all, the check of the database says.
    await readDatabase(address, async () => {})
    if (!(await isPooled(address))) return [ok('No pooler shares the connections.')]
    return [
      ok(
        'A pooler, such as PgBouncer with pool_mode = transaction, shares the connections; that works, and Keyhall names no statements in them.',
      ),
    ]
  },
})
