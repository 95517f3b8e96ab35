/** Keys have a seal from now on. Where there are keys already, one without stays as good as it was. */
import type { Migration } from './index.ts'

export const seals: Migration = {
  name: '004-seals',
  statements: () => [
    `insert into properties (name, value) select 'unsealed_keys', 'yes' where exists (select 1 from admin_api_keys)`,
  ],
}
