/**
 * Adds the columns that the list of all keys searches by to the index that it reads, so that a
 * search does not read the rows of keys that it leaves out.
 */
import type { Migration } from './migration.ts'

export const search: Migration = {
  name: '005-search',
  statements: () => [
    // With `deleted_at` in it, the index alone has to be read. The last condition is always true:
    // see 001.
    `create index api_keys_search on api_keys (organization_id, created_at, id, deleted_at, project_id, owner_id, owner_type, name) where deleted_at is null and id > ''`,
    `drop index api_keys_created`,
  ],
}
