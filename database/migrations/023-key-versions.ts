/**
 * Counts the changes of each project key. The MAC of its row covers the count, so that an older row
 * that is put back can be told from the newest. A key that was never changed keeps its MAC; a
 * server of the version before refuses keys that were changed since.
 */
import type { Migration } from './migration.ts'

export const keyVersions: Migration = {
  name: '023-key-versions',
  isBreaking: true,
  statements: ({ integer }) => [`alter table api_keys add column version ${integer} not null default 0`],
}
