/** A database that an older Keyhall wrote: nothing that it holds is lost. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { sql } from 'kysely'
import { openDatabase } from '../../database/open.ts'
import { base62, base62Number } from '../../keys/random.ts'
import { folder, serve } from '../cli/command.ts'
import { emptyDatabase, engines, START_MILLISECONDS } from '../setup.ts'

/** A key as it was made before there were seals. */
function unsealedKey() {
  const unchecked = `sk-admin-1KyHaLl${base62(randomBytes, 43)}`
  return unchecked + base62Number(crc32(unchecked), 6)
}

for (const engine of engines)
  describe(`keys from before there were seals (${engine})`, () => {
    const home = folder()
    let database: Awaited<ReturnType<typeof emptyDatabase>>
    beforeAll(async () => {
      database = await emptyDatabase(engine)
    }, START_MILLISECONDS)
    afterAll(async () => {
      await database.drop()
      home.remove()
    })

    /** What a server says to these keys. */
    async function opened(keys: string[], env: Record<string, string> = {}) {
      const server = await serve(database.address, ['--pepper-file', `${home.path}/pepper`], { env })
      const answers = keys.map(async (key) => {
        const headers = { authorization: `Bearer ${key}` }
        return (await fetch(`${server.url}/v1/organization/users`, { headers })).status
      })
      const statuses = await Promise.all(answers)
      server.signal('SIGTERM')
      await server.ended
      return statuses
    }

    async function change(statements: string[]) {
      const storage = await openDatabase(database.address, { asItIs: true })
      await storage.write(async (db) => {
        for (const statement of statements) await sql.raw(statement).execute(db)
      })
      await storage.close()
    }

    test('go on opening after the upgrade, and only where there were some', async () => {
      const [key, guess] = [unsealedKey(), unsealedKey()]
      expect(await opened([key, guess], { KEYHALL_ADMIN_KEY: key })).toEqual([200, 401])
      await change(['update admin_api_keys set is_foreign = 0'])
      expect(await opened([key, guess])).toEqual([401, 401])
      await change([`delete from migrations where name = '004-seals'`])
      expect(await opened([key, guess])).toEqual([200, 401])
    }, 60_000)
  })
