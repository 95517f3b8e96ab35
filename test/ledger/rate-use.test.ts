/** What of a rate limit is used now, read from what servers have told the database. */
import { expect, test } from 'bun:test'
import { readClock } from '../../database/clock.ts'
import { openDatabase } from '../../database/open.ts'
import { rateUse } from '../../ledger/rate-use.ts'
import { MINUTE, momentAt, packed } from '../../ledger/window-state.ts'
import { emptyDatabase, engines, START_MILLISECONDS } from '../setup.ts'

for (const engine of engines)
  test(
    `what left the window is not counted, what servers may still use is held (${engine})`,
    async () => {
      const place = await emptyDatabase(engine)
      const database = await openDatabase(place.address)
      const now = await readClock(database.read, engine)
      const state = packed({
        slots: new Map([
          [momentAt(MINUTE, now - 70_000, 1), 1],
          [momentAt(MINUTE, now - 30_000, 1), 20],
          [momentAt(MINUTE, now, 1), 300],
        ]),
        grants: new Map([
          ['living:1', { amount: 4_000, until: now + 60_000 }],
          // A server that died with it: nobody knows, so all of it counts as used.
          ['ended:1', { amount: 50_000, until: now - 10_000 }],
          ['ended:2', { amount: 600_000, until: now - 70_000 }],
        ]),
      })
      const project = { organization_id: 'org', project_id: 'proj' }
      const row = { ...project, limit_key: 'm', version: 1, state }
      await database.write((sql) =>
        sql
          .insertInto('rate_windows')
          .values([
            { ...row, metric: 'requests' },
            { ...row, metric: 'audio_bytes' },
            { ...row, project_id: 'other', metric: 'tokens' },
          ])
          .execute(),
      )
      const use = await rateUse(database.read, engine, project)
      expect(use('m', 'max_requests_per_1_minute')).toEqual({ used: 50_320, held: 4_000 })
      expect(use('m', 'max_audio_megabytes_per_1_minute')).toEqual({ used: 0.050_32, held: 0.004 })
      expect(use('m', 'max_tokens_per_1_minute')).toEqual({ used: 0, held: 0 })
      expect(use('n', 'max_requests_per_1_minute')).toEqual({ used: 0, held: 0 })
      await database.close()
      await place.drop()
    },
    START_MILLISECONDS,
  )
