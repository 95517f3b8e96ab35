/**
 * Changes of roles look for sessions that have not ended, of some people or of everybody: this
 * index has only those, however many have ended.
 */
import type { Migration } from './migration.ts'

export const livingSessions: Migration = {
  name: '040-living-sessions',
  statements: () => [
    `create index sessions_living on sessions (organization_id, user_id, expires_at) where ended_at is null`,
  ],
}
