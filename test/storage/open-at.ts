/**
 * Opens a SQLite file at a given moment, for the test of processes that do so together: `open-at.ts
 * PATH MILLISECONDS`.
 */
import { openSqlite } from '../../database/sqlite.ts'

const [path, moment] = process.argv.slice(2)
while (Date.now() < Number(moment));
await openSqlite(path!, {}).close()
