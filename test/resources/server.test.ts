/** What a server says of itself: its upstreams, and who shares its database. */
import { expect, test } from 'bun:test'
import { singleUpstream } from '../../gateway/upstream-config.ts'
import { Secret } from '../../world/secret.ts'
import { version } from '../../world/version.ts'
import { engines, startServer, type TestServer } from '../setup.ts'

const retrieve = async ({ request }: TestServer) =>
  (await request('GET', '/organization/server')).json() as Promise<any>

const [upstream] = singleUpstream('http://models.test/v1', new Secret('sk-secret-of-upstream')).upstreams

for (const engine of engines)
  test(`the server says whether its upstreams answer, and shows none of their keys (${engine})`, async () => {
    const answering = Promise.withResolvers<void>()
    const send = async () => {
      answering.resolve()
      return Response.json({ data: [{ id: 'small' }, { id: 'large' }] })
    }
    const silent = { ...upstream!, name: 'silent', base_url: 'http://silent.test/v1', is_default: false }
    const server = await startServer(engine, {
      upstreams: [upstream!, silent],
      send: async (input, ...others) => {
        const { url } = new Request(input, ...others)
        if (url.startsWith('http://silent.test')) throw new Error('no route')
        return send()
      },
    })
    try {
      await answering.promise
      const model = { headers: { authorization: `Bearer ${await newKey(server)}` } }
      await server.fetch(new Request('http://keyhall.test/v1/models', model))
      const { servers, checks, upstreams, ...others } = await retrieve(server)
      expect(others).toEqual({ object: 'organization.server', version, storage: { engine } })
      expect(upstreams).toEqual([
        {
          name: 'upstream',
          base_url: 'http://models.test/v1',
          answers: true,
          resting_seconds: 0,
          weight: 1,
          default: true,
          models: 2,
        },
        expect.objectContaining({ name: 'silent', answers: false, default: false, models: 0 }),
      ])
      expect(checks.map(({ name, ok }: any) => [name, ok])).toEqual([
        ['database', true],
        ['migrations', true],
        ['upstreams', true],
        ['shutdown', true],
      ])
      expect(servers).toEqual([
        { id: expect.stringMatching(/^node_/), current: true, lease_milliseconds: 3000, up_to_date: true },
      ])
      await addNode(server)
      expect((await retrieve(server)).servers[1]).toEqual({
        id: 'node_other',
        current: false,
        lease_milliseconds: 1000,
        up_to_date: false,
      })
      expect(JSON.stringify(await retrieve(server))).not.toContain('secret')
    } finally {
      await server.stop()
    }
  })

const newKey = async ({ request, project_id, owner_id }: TestServer) => {
  const made = await request('POST', `/organization/projects/${project_id}/api_keys`, {
    user_id: owner_id,
    name: 'one',
  })
  return ((await made.json()) as { value: string }).value
}

/** Another server that has applied nothing yet. */
const addNode = ({ database }: TestServer) =>
  database.write((sql) =>
    sql
      .insertInto('nodes')
      .values({ id: 'node_other', epoch: -1, lease_milliseconds: 1000, is_evicted: 0, lock: null })
      .execute(),
  )
