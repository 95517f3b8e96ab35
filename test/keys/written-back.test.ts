/**
 * Several servers on one database: each learns from the audit log which keys the others deleted.
 * Until then it can be deceived by an older row that is written back, but no longer.
 */
import { describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { KeptRevocations } from '../../server/revocations-file.ts'
import { folder } from '../cli/command.ts'
import { newProject } from '../made.ts'
import { engines, START_MILLISECONDS, startServer, testPepper } from '../setup.ts'

for (const engine of engines)
  describe(`an older row of a key (${engine})`, () => {
    test(
      'opens nothing on a server that has heard of the deletion, though it was read before',
      async () => {
        const home = folder()
        const server = await startServer(engine, {
          isRevoked: (id, version) => kept.isRevoked(id, version),
          onError: () => {},
        })
        const kept = new KeptRevocations(join(home.path, 'revocations'), server.database, [testPepper], server.world, {
          say: () => {},
        })
        await kept.start({ isFirst: false, forget: (key) => server.context.cache.forget(key) })
        const { id: project_id } = await newProject(server)
        const { serviceAccounts, apiKeys } = server.client.admin.organization.projects
        const { id, value } = (await serviceAccounts.create(project_id, { name: 'Robot' })).api_key!
        const keys = server.database.read.selectFrom('api_keys').select('mac').where('id', '=', id)
        const { mac } = await keys.executeTakeFirstOrThrow()
        // The server that deletes it here stands for another one: it writes no file.
        await apiKeys.delete(id, { project_id })
        await server.database.write((sql) =>
          sql.updateTable('api_keys').set({ mac, deleted_at: null }).where('id', '=', id).execute(),
        )
        expect(await server.opens(value)).toBe(200)
        await kept.keep()
        expect(await server.opens(value)).toBe(401)
        await kept.stop()
        await server.stop()
        home.remove()
      },
      START_MILLISECONDS,
    )
  })
