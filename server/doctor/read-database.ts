/** The database as a check reads it: without changing anything, and without its schema. */
import { existsSync } from 'node:fs'
import { openForReading, type ReadOnlyDatabase } from '../../database/read-only.ts'
import { CannotOpen } from '../../database/storage-errors.ts'
import { sqlitePath } from '../../database/sqlite-address.ts'

/** It cannot be opened; the check of the database says why. */
export class DatabaseUnread extends Error {}

/** Whether the database is a file that the first start will make. */
export function isMissing(address: string): boolean {
  const path = sqlitePath(address)
  return path !== null && !existsSync(path)
}

/** Throws DatabaseUnread. */
export async function readDatabase<Result>(
  address: string,
  work: (database: ReadOnlyDatabase) => Promise<Result>,
): Promise<Result> {
  let database: ReadOnlyDatabase
  try {
    database = await openForReading(address)
  } catch (error) {
    if (error instanceof CannotOpen) throw new DatabaseUnread(error.message)
    throw error
  }
  try {
    return await work(database)
  } finally {
    await database.close()
  }
}
