/** Sessions on a server as it is started: over plain http on this machine, and after a restore. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { engines, START_MILLISECONDS } from '../setup.ts'
import { RestorableServer } from './restorable-server.ts'

// Each test starts several processes.
setDefaultTimeout(120_000)

for (const engine of engines)
  describe(`sessions (${engine})`, () => {
    const place = new RestorableServer(engine)
    beforeAll(() => place.open(), START_MILLISECONDS)
    afterAll(() => place.close())

    test('begin before a backup and end with its restore, those that were ended since and the others, and links', async () => {
      const [stays, ends] = [await place.signIn(), await place.signIn()]
      const me = async (cookie: string) => (await place.fromPage('GET', '/me', cookie)).status
      expect(stays).toMatch(/^keyhall=[0-9A-Za-z]{43}$/)
      expect([await me(stays), await me(ends)]).toEqual([200, 200])
      // On PostgreSQL nothing but the server deletes what was there before.
      const link = await place.onHost('console', 'link', 'owner@localhost')
      const restore = await place.save()
      expect(await place.fromPage('DELETE', '/sessions/current', ends)).toEqual({ status: 200, cookie: 'keyhall=' })
      // A restart alone ends none.
      await place.stop()
      await place.start()
      expect([await me(stays), await me(ends)]).toEqual([200, 401])
      await place.stop()
      await restore()
      await place.start()
      expect([await me(stays), await me(ends)]).toEqual([401, 401])
      const [, token] = link.split('#token=')
      expect(await place.fromPage('POST', '/sessions', '', { token })).toEqual({ status: 401, cookie: '' })
      expect(await me(await place.signIn())).toBe(200)
      expect(await place.verify()).toMatchObject({ code: 0, err: '' })
    })
  })
