/** IP allow lists hold for model requests, `/verify`, token exchanges and administration. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { make, newInvite, newInviteToken } from '../made.ts'
import { startOther } from '../other-server.ts'
import { engines, START_MILLISECONDS } from '../setup.ts'
import { exchange, newSigner, sign, trust, uploaded } from '../workload-identity/issuer.ts'
import { startMetered, type MeteredServer } from './metered.ts'

const PATH = '/organization/ip_allowlists'
const OFFICE = '192.0.2.1'
const ELSEWHERE = '198.51.100.7'

function addressOf(request: Request) {
  const address = request.headers.get('x-test-address') ?? OFFICE
  return address === 'nowhere' ? null : address
}

for (const engine of engines)
  describe(`allowed addresses (${engine})`, () => {
    let server: MeteredServer
    const lists: Record<'office' | 'both', string> = { office: '', both: '' }
    beforeAll(async () => {
      server = await startMetered(engine, [], { addressOf })
      const create = async (name: string, allowed_ips: string[]) => (await make(server, PATH, { name, allowed_ips })).id
      lists.office = await create('Office', ['192.0.2.0/24', '2001:db8::/32'])
      lists.both = await create('Both', ['192.0.2.0/24', '198.51.100.0/24'])
    }, START_MILLISECONDS)
    afterAll(() => server.stop())
    afterEach(async () => {
      for (const place of ['', `/projects/${server.project_id}`])
        await make(server, `/organization${place}/ip_allowlists/deactivate`, { ip_allowlist_ids: Object.values(lists) })
      server.answerWith(() => Response.json({}))
    })

    const activate = (list: keyof typeof lists, place = '') =>
      make(server, `/organization${place}/ip_allowlists/activate`, { ip_allowlist_ids: [lists[list]] })
    const inProject = () => `/projects/${server.project_id}`
    const from = (address: string) => ({ headers: { 'x-test-address': address } })
    const answer = async (response: Response) => {
      const { error } = (await response.json()) as { error?: { code: string } }
      return error ? [response.status as unknown, error.code] : response.status
    }
    const ask = async (address: string) =>
      answer(await server.call('POST', '/responses', { model: 'm' }, from(address)))
    const verifyFrom = (address: string) =>
      new Request('http://keyhall.test/verify', {
        headers: { authorization: `Bearer ${server.key}`, 'x-test-address': address },
      })
    const verify = async (address: string) => answer(await server.fetch(verifyFrom(address)))
    const administer = async (address: string, method = 'GET', path = '/organization/projects', body?: object) =>
      answer(await server.request(method, path, body, { 'x-test-address': address }))
    const everywhere = async (address: string) => [await ask(address), await verify(address), await administer(address)]
    const refused = [401, 'ip_not_authorized']

    test('are all, until a list is active', async () => {
      for (const address of [OFFICE, ELSEWHERE, 'nowhere']) expect(await everywhere(address)).toEqual([200, 200, 200])
    })

    test('are those of the organization, for every part of the server, and nothing is forwarded', async () => {
      await activate('office')
      for (const address of [OFFICE, '::ffff:192.0.2.9', '2001:db8:1::1'])
        expect(await everywhere(address)).toEqual([200, 200, 200])
      server.received.length = 0
      for (const address of [ELSEWHERE, '::ffff:198.51.100.7', '2001:db9::1', 'nowhere'])
        expect([address, await everywhere(address)]).toEqual([address, [refused, refused, refused]])
      expect(server.received).toEqual([])
      const { status, text } = await server.finish('POST', '/responses', { model: 'm' }, from(ELSEWHERE))
      expect([status, JSON.parse(text)]).toEqual([
        401,
        {
          error: {
            message: `IP not authorized: your request IP (${ELSEWHERE}) does not match the IP allowlist configured for your project or organization.`,
            type: 'invalid_request_error',
            param: null,
            code: 'ip_not_authorized',
          },
        },
      ])
    })

    test('are those of the project, for its requests and not for administration', async () => {
      await activate('office', inProject())
      expect(await everywhere(OFFICE)).toEqual([200, 200, 200])
      expect(await everywhere(ELSEWHERE)).toEqual([refused, refused, 200])
      const other = await server.client.admin.organization.projects.create({ name: 'Other' })
      const { api_key } = await make<{ api_key: { value: string } }>(
        server,
        `/organization/projects/${other.id}/service_accounts`,
        { name: 'robot' },
      )
      const headers = { authorization: `Bearer ${api_key.value}`, 'x-test-address': ELSEWHERE }
      expect((await server.call('POST', '/responses', { model: 'm' }, { headers })).status).toBe(200)
    })

    test('are those that organization and project both allow, and that several lists allow together', async () => {
      await activate('both')
      expect(await everywhere(ELSEWHERE)).toEqual([200, 200, 200])
      await activate('office', inProject())
      expect(await everywhere(ELSEWHERE)).toEqual([refused, refused, 200])
      expect(await everywhere(OFFICE)).toEqual([200, 200, 200])
      await activate('both', inProject())
      expect(await everywhere(ELSEWHERE)).toEqual([200, 200, 200])
    })

    test('are fewer where the organization allows less than the project', async () => {
      await activate('office')
      await activate('both', inProject())
      expect(await everywhere(ELSEWHERE)).toEqual([refused, refused, refused])
      expect(await everywhere(OFFICE)).toEqual([200, 200, 200])
    })

    test('change with the list, from the answer on', async () => {
      await activate('office', inProject())
      expect(await ask(ELSEWHERE)).toEqual(refused)
      const change = (allowed_ips: string[]) => make(server, `${PATH}/${lists.office}`, { allowed_ips })
      await change(['198.51.100.7'])
      expect([await ask(ELSEWHERE), await ask(OFFICE)]).toEqual([200, refused])
      await change(['192.0.2.0/24', '2001:db8::/32'])
      expect([await ask(ELSEWHERE), await ask(OFFICE)]).toEqual([refused, 200])
    })

    test('hold for each call of administration: changes, unknown paths, keys of others', async () => {
      await activate('office')
      await server.events()
      expect(await administer(ELSEWHERE, 'POST', '/organization/projects', { name: 'From elsewhere' })).toEqual(refused)
      expect(await administer(ELSEWHERE, 'POST', `${PATH}/deactivate`, { ip_allowlist_ids: [lists.office] })).toEqual(
        refused,
      )
      expect(await administer(ELSEWHERE, 'GET', '/organization/unheard_of')).toEqual(refused)
      expect(await administer(ELSEWHERE, 'POST', '/responses', {})).toEqual(refused)
      expect(await server.events()).toEqual({})
      expect(await administer(OFFICE, 'GET', '/organization/unheard_of')).toEqual([404, null])
    })

    test('are not asked of who accepts an invitation, and of who asks for the health', async () => {
      const token = await newInviteToken(server, (await newInvite(server)).id)
      await activate('office')
      const accept = new Request('http://keyhall.test/v1/organization/invites/accept', {
        method: 'POST',
        headers: { 'x-test-address': ELSEWHERE },
        body: JSON.stringify({ token, name: 'Ada' }),
      })
      expect((await server.fetch(accept)).status).toBe(200)
      const health = new Request('http://keyhall.test/health', from(ELSEWHERE))
      expect((await server.fetch(health)).status).toBe(200)
    })

    test('do not note a use of the key where they refuse', async () => {
      await activate('office', inProject())
      const { data } = await server.client.admin.organization.projects.apiKeys.list(server.project_id)
      const { id } = data[0]!
      const used = async () => {
        await server.context.lastUsed.flush()
        const key = await server.client.admin.organization.projects.apiKeys.retrieve(id, {
          project_id: server.project_id,
        })
        return key.last_used_at
      }
      const before = await used()
      server.world.ahead += 60
      await ask(ELSEWHERE)
      expect(await used()).toBe(before)
      await ask(OFFICE)
      expect(await used()).toBeGreaterThan(before!)
    })

    test('hold on another server, from the answer of the first on', async () => {
      const other = await startOther(server, { addressOf })
      const opens = async (address: string) => answer(await other.fetch(verifyFrom(address)))
      expect(await opens(ELSEWHERE)).toBe(200)
      for (const place of ['', inProject()]) {
        await activate('office', place)
        expect(await opens(ELSEWHERE)).toEqual(refused)
        expect(await opens(OFFICE)).toBe(200)
        await make(server, `/organization${place}/ip_allowlists/deactivate`, { ip_allowlist_ids: [lists.office] })
        expect(await opens(ELSEWHERE)).toBe(200)
      }
      await other.stop()
    })

    test('are those from which a workload may exchange its token', async () => {
      const signer = await newSigner('one')
      const issuer = 'https://issuer.example.com'
      const rule = { attribute_matchers: { sub: 'job' } }
      const made = await trust(server, { issuer, verification: uploaded(signer) }, rule)
      const exchanged = async (address: string) => {
        const fetch = (request: Request) => {
          request.headers.set('x-test-address', address)
          return server.fetch(request)
        }
        const { status, body } = await exchange({ fetch }, made, await sign(signer, { iss: issuer }))
        return [status, body.error, body.error_description]
      }
      const there = `/projects/${made.project_id}`
      await activate('office', there)
      expect(await exchanged(OFFICE)).toEqual([200, undefined, undefined])
      const words = `The IP address ${ELSEWHERE} is not in the IP allow list of the organization or the project.`
      expect(await exchanged(ELSEWHERE)).toEqual([400, 'invalid_grant', words])
      await make(server, `/organization${there}/ip_allowlists/deactivate`, { ip_allowlist_ids: [lists.office] })
      expect((await exchanged(ELSEWHERE))[0]).toBe(200)
    })

    test('end an answer under way when its address is allowed no more', async () => {
      const encoder = new TextEncoder()
      let send: (text: string) => void = () => {}
      server.answerWith(
        () =>
          new Response(
            new ReadableStream({ start: (sink) => void (send = (text) => sink.enqueue(encoder.encode(text))) }),
            { headers: { 'content-type': 'text/event-stream' } },
          ),
      )
      const streams = await Promise.all(
        [OFFICE, ELSEWHERE].map(async (address) => {
          const response = await server.call('POST', '/responses', { model: 'm', stream: true }, from(address))
          return { reader: response.body!.getReader(), send }
        }),
      )
      const [here, there] = streams as [(typeof streams)[0], (typeof streams)[0]]
      const read = async ({ reader }: typeof here) => new TextDecoder().decode((await reader.read()).value)
      for (const stream of streams) {
        stream.send('data: one\n\n')
        expect(await read(stream)).toContain('data: one')
      }
      await activate('office', inProject())
      let rest = ''
      for (let text = await read(there); text !== ''; text = await read(there)) rest += text
      expect(rest).toContain('"code":"ip_not_authorized"')
      here.send('data: two\n\n')
      expect(await read(here)).toContain('data: two')
      await here.reader.cancel()
    })
  })
