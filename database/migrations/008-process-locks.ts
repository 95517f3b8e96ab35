/** Which process lock a node holds, so that others see when its process has ended. */
import type { Migration } from './migration.ts'

export const processLocks: Migration = {
  name: '008-process-locks',
  statements: ({ text }) => [
    `alter table nodes add column lock ${text}`,
    // Old revocations are deleted by epoch now, which is the primary key.
    `drop index revocations_age`,
  ],
}
