/** `keyhall ip-allowlists lift`: the way back in for who was locked out. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { make, newServiceAccount } from '../made.ts'
import { engines, startServer, testPepper, type TestServer } from '../setup.ts'
import { run, sentence } from './command.ts'

// Each test starts several processes.
setDefaultTimeout(60_000)

const pepper = { KEYHALL_PEPPER: Buffer.from(testPepper.reveal()).toString('hex') }
const PATH = '/organization/ip_allowlists'

for (const engine of engines)
  describe(`keyhall ip-allowlists lift (${engine})`, () => {
    let server: TestServer
    beforeAll(async () => {
      server = await startServer(engine)
    })
    afterAll(() => server.stop())

    const lift = (...args: string[]) =>
      run(['ip-allowlists', 'lift', '--database', server.address, ...args], { env: pepper })
    const locked = async () => (await server.request('GET', PATH)).status === 401
    const opens = async (key: string, expected: number) => {
      while ((await server.opens(key)) !== expected) await Bun.sleep(20)
    }

    test('lets administration and keys in again, on a server that runs, and says so in the audit log', async () => {
      const { api_key } = await newServiceAccount(server)
      const { id } = await make(server, PATH, { name: 'Elsewhere', allowed_ips: ['203.0.113.0/24'] })
      await make(server, `${PATH}/activate`, { ip_allowlist_ids: [id], force: true })
      expect(await locked()).toBe(true)
      expect(await server.opens(api_key.value)).toBe(401)
      await server.events()
      const lifted = await lift()
      expect(lifted).toMatchObject({ code: 0, err: '' })
      expect(lifted.out).toBe(`${id} (Elsewhere) is not active any more for ${server.organization_id}.\n`)
      expect(await locked()).toBe(false)
      await opens(api_key.value, 200)
      expect(await server.events()).toEqual({ 'ip_allowlist.config.deactivated': 1 })
      const kept = (await (await server.request('GET', `${PATH}/${id}`)).json()) as object
      expect(kept).toMatchObject({ active: false, allowed_ips: ['203.0.113.0/24'] })
      expect((await lift()).out).toBe('No IP allow list is active there.\n')
    })

    test('of one project leaves those of others alone', async () => {
      const { api_key, project_id } = await newServiceAccount(server)
      const other = await newServiceAccount(server)
      const { id } = await make(server, PATH, { name: 'Elsewhere', allowed_ips: ['203.0.113.0/24'] })
      for (const project of [project_id, other.project_id])
        await make(server, `/organization/projects/${project}/ip_allowlists/activate`, { ip_allowlist_ids: [id] })
      expect([await server.opens(api_key.value), await server.opens(other.api_key.value)]).toEqual([401, 401])
      expect((await lift()).out).toBe('No IP allow list is active there.\n')
      expect((await lift('--project-id', project_id)).out).toContain(`for ${project_id}.`)
      await opens(api_key.value, 200)
      expect(await server.opens(other.api_key.value)).toBe(401)
      const unknown = await lift('--project-id', 'proj_none')
      expect(unknown.code).toBe(1)
      expect(sentence(unknown)).toBe('There is no project with this id.')
    })
  })
