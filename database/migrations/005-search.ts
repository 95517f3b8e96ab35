/** What the list of all keys searches by is in the index that it goes along, so that a search does not read the keys that it leaves out. */
import type { Migration } from './index.ts'

export const search: Migration = {
  name: '005-search',
  statements: () => [
    // With `deleted_at` an index is all that has to be read. The last condition always holds: see 001.
    `create index api_keys_search on api_keys (organization_id, created_at, id, deleted_at, project_id, owner_id, owner_type, name) where deleted_at is null and id > ''`,
    `drop index api_keys_created`,
  ],
}
