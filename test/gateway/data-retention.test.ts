/**
 * Zero data retention: nothing is stored whatever a request says, and its usage names no person.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { PermissionDeniedError } from 'openai'
import { projectRetentionTypes, retentionTypes, type ProjectRetention } from '../../contract/data-retention.ts'
import { addTenant, engines, START_MILLISECONDS } from '../setup.ts'
import { make } from '../made.ts'
import { startMetered, type MeteredServer } from './metered.ts'

const storing = ['modified_abuse_monitoring', 'enhanced_modified_abuse_monitoring'] as const
const zero = ['zero_data_retention', 'enhanced_zero_data_retention'] as const

for (const engine of engines)
  describe(`data retention (${engine})`, () => {
    let server: MeteredServer
    /** The key of a person. */
    let person: { id: string; value: string }
    beforeAll(async () => {
      server = await startMetered(engine, [{ match: 'priced', prices: [{ input: 10, output: 20 }] }])
      const path = `/organization/projects/${server.project_id}/api_keys`
      person = await make(server, path, { name: 'Laptop', user_id: server.owner_id })
    }, START_MILLISECONDS)
    afterAll(() => server.stop())
    beforeEach(async () => {
      server.answerWith(() => Response.json({}))
      await organization(storing[0])
      await project('organization_default')
      server.received.length = 0
    })

    const organization = (retention_type: (typeof retentionTypes)[number]) =>
      server.client.admin.organization.dataRetention.update({ retention_type })
    const project = (retention_type: ProjectRetention) =>
      server.client.admin.organization.projects.dataRetention.update(server.project_id, { retention_type })

    /** What is forwarded of a request, as text; else the refusal. */
    const sent = async (body: unknown, path = '/responses') => {
      const before = server.received.length
      const { status, text } = await server.finish('POST', path, body)
      if (server.received.length > before) return server.received.at(-1)!.text
      const { error } = JSON.parse(text) as { error: { code: string | null; param: string | null } }
      return [status, error.code, error.param]
    }
    const stored = async () => (JSON.parse(String(await sent({ model: 'm', store: true }))) as { store: boolean }).store

    test('every type can be set, and a project has that of the organization until it has its own', async () => {
      const { client } = server
      expect(await client.admin.organization.projects.dataRetention.retrieve(server.project_id)).toEqual({
        object: 'project.data_retention',
        type: 'organization_default',
      })
      for (const type of retentionTypes) {
        const changed = { object: 'organization.data_retention', type } as const
        expect(await organization(type)).toEqual(changed)
        expect(await client.admin.organization.dataRetention.retrieve()).toEqual(changed)
        expect([type, await stored()]).toEqual([type, !(zero as readonly string[]).includes(type)])
      }
      for (const whole of [storing[0], zero[0]])
        for (const type of projectRetentionTypes) {
          await organization(whole)
          const changed = { object: 'project.data_retention', type } as const
          expect(await project(type)).toEqual(changed)
          expect(await client.admin.organization.projects.dataRetention.retrieve(server.project_id)).toEqual(changed)
          const holds = type === 'organization_default' ? whole : type
          expect([whole, type, await stored()]).toEqual([whole, type, !(zero as readonly string[]).includes(holds)])
        }
    })

    test('a fresh organization monitors nothing, and a change leaves one event', async () => {
      const fresh = await addTenant(server)
      const { type } = (await (await fresh.request('GET', '/organization/data_retention')).json()) as { type: string }
      expect(type).toBe('modified_abuse_monitoring')
      const { client } = server
      const tenant = await client.admin.organization.projects.create({ name: 'Fresh' })
      await server.events()
      await client.admin.organization.projects.dataRetention.update(tenant.id, { retention_type: 'none' })
      expect(await server.events()).toEqual({ 'tenant.policy.updated': 1 })
      await client.admin.organization.projects.dataRetention.update(tenant.id, { retention_type: 'none' })
      expect(await server.events()).toEqual({})
      const [event] = (await client.admin.organization.auditLogs.list({ limit: 1 })).data
      expect(event).toMatchObject({ 'tenant.policy.updated': { id: tenant.id, data_retention: 'none' } })
      const wrong = server.request('POST', '/organization/data_retention', { retention_type: 'none' })
      expect((await wrong).status).toBe(400)
    })

    test('requests go as they came until zero retention is set', async () => {
      for (const body of [
        '{"model":"m","store":true,"background":true}',
        '{"model":"m","conversation":"conv_1"}',
        '{}',
      ])
        expect(await sent(body)).toBe(body)
      expect(await sent('{"items":[]}', '/conversations')).toBe('{"items":[]}')
    })

    const spelled: [body: string, forwarded: string, path?: string][] = [
      ['{"model":"m","store":true}', '{"model":"m","store":false}'],
      ['{"store":true,"model":"m"}', '{"store":false,"model":"m"}'],
      ['{"model":"m","st\\u006fre" : true , "input":"x"}', '{"model":"m","st\\u006fre" : false , "input":"x"}'],
      ['{"model":"m","store":null}', '{"model":"m","store":false}'],
      ['{"model":"m","store":{"a":[1]}}', '{"model":"m","store":false}'],
      ['{"model":"m"}', '{"model":"m","store":false}'],
      ['{}', '{"store":false}'],
      ['{"model":"m","input":{"store":true}}', '{"model":"m","input":{"store":true},"store":false}'],
      ['{"model":"m","messages":[]}', '{"model":"m","messages":[],"store":false}', '/chat/completions'],
      ['{"model":"m","store":true}', '{"model":"m","store":false}', '/Chat/Completions/'],
      ['{"model":"m","store":true}', '{"model":"m","store":false}', '/chat/comple%74ions'],
      ['{"model":"m","store":true}', '{"model":"m","store":false}', '/decisions'],
      ['{"model":"m","input":"x"}', '{"model":"m","input":"x"}', '/embeddings'],
      ['{"session":{"type":"live"}}', '{"session":{"type":"live"}}', '/live/sessions'],
      ['{"model":"m","background":"transparent"}', '{"model":"m","background":"transparent"}', '/images/generations'],
      ['{"model":"m","background":false}', '{"model":"m","background":false,"store":false}'],
    ]
    test('`store` is false in what is forwarded, however it is written', async () => {
      await project('zero_data_retention')
      for (const [body, forwarded, path] of spelled)
        expect({ body, path, is: await sent(body, path) }).toEqual({ body, path, is: forwarded })
    })

    const refused: [body: string, param: string | null, path?: string][] = [
      ['{"model":"m","background":true}', 'background'],
      ['{"model":"m","b\\u0061ckground":true,"store":true}', 'background'],
      ['{"model":"m","background":"true"}', 'background'],
      ['{"model":"m","background":1}', 'background'],
      ['{"model":"m","conversation":"conv_1"}', 'conversation'],
      ['{"model":"m","conversation":{"id":"conv_1"}}', 'conversation', '/RESPONSES'],
      ['{"items":[]}', null, '/conversations'],
      ['{"items":[]}', null, '/conversations/conv_1/items'],
      ['{"messages":[]}', null, '/threads'],
      ['{"session":{"store":true}}', 'store', '/live/sessions'],
      ['{"session":{"st\\u006fre":true}}', 'store', '/live/sessions/s/accept'],
    ]
    test('what needs storing is refused, and nothing is forwarded', async () => {
      await project('zero_data_retention')
      for (const [body, param, path] of refused)
        expect({ body, is: await sent(body, path) }).toEqual({ body, is: [403, 'zero_data_retention', param] })
      const form = new FormData()
      form.set('session', '{"store":true}')
      for (const path of ['/live/sessions', '/responses', '/chat/completions'])
        expect([path, await sent(form, path)]).toEqual([path, [403, 'zero_data_retention', 'store']])
      // What two parsers read in two ways.
      for (const body of ['{"store":false,"store":true}', '{"store":false,"st\\u006fre":true}', '{"Store":true}'])
        expect([body, (await sent(body))[0]]).toEqual([body, 400])
      expect(server.received).toEqual([])
      const call = server.sdk.responses.create({ model: 'm', input: 'x', background: true })
      const error = await call.catch((error: unknown) => error)
      expect(error).toBeInstanceOf(PermissionDeniedError)
      expect(String(error)).toContain('stored until it is fetched; leave `background` out')
    })

    test('PUT and PATCH are no way around it', async () => {
      await project(zero[0])
      for (const method of ['PUT', 'PATCH']) {
        await server.finish(method, '/responses', { model: 'm', store: true })
        expect(server.received.at(-1)).toMatchObject({ method, body: { store: false } })
      }
    })

    test('no line of a batch may be stored', async () => {
      await project('zero_data_retention')
      let lines = ''
      server.answerWith(({ path }) =>
        path.startsWith('/files') ? new Response(lines) : Response.json({ id: 'batch_1' }),
      )
      const batch = async (...bodies: [body: object, url?: string][]) => {
        lines = bodies
          .map(([body, url = '/v1/responses']) =>
            JSON.stringify({ custom_id: '1', method: 'POST', url, body: { model: 'm', ...body } }),
          )
          .join('\n')
        const given = { input_file_id: 'file-1', endpoint: bodies[0]?.[1] ?? '/v1/responses', completion_window: '24h' }
        const { status, text } = await server.finish('POST', '/batches', given)
        return [status, (JSON.parse(text) as { error?: { param: string } }).error?.param]
      }
      const chat = '/v1/chat/completions'
      expect(await batch([{ input: 'x' }])).toEqual([403, 'store'])
      expect(await batch([{ input: 'x', store: true }])).toEqual([403, 'store'])
      expect(await batch([{ store: false }], [{ store: true }])).toEqual([403, 'store'])
      expect(await batch([{ store: false, background: true }])).toEqual([403, 'background'])
      expect(await batch([{ store: false, conversation: 'c' }])).toEqual([403, 'conversation'])
      expect(await batch([{ messages: [], store: true }, chat])).toEqual([403, 'store'])
      expect(await batch([{ input: 'x' }, '/v1/Responses/'])).toEqual([403, 'store'])
      expect(await batch([{ input: 'x', store: false }])).toEqual([200, undefined])
      expect(await batch([{ messages: [] }, chat])).toEqual([200, undefined])
      expect(await batch([{ messages: [], store: false }, chat])).toEqual([200, undefined])
      server.answerWith(({ path }) =>
        path.startsWith('/files') ? new Response('', { status: 404 }) : Response.json({}),
      )
      expect(await batch()).toEqual([400, 'input_file_id'])
      await project('none')
      expect(await batch([{ store: true }])).toEqual([200, undefined])
    })

    test('usage names no person and no key of one, but service accounts; the sums are the same', async () => {
      const answer = () => Response.json({ usage: { prompt_tokens: 7, completion_tokens: 3 } })
      server.answerWith(answer)
      const groups = ['model', 'user_id', 'api_key_id', 'project_id']
      const ask = (model: string, key: string) =>
        server.finish(
          'POST',
          '/chat/completions',
          { model, messages: [] },
          { headers: { authorization: `Bearer ${key}` } },
        )
      await ask('before', person.value)
      expect(await server.counted('completions', 'before', groups)).toMatchObject({
        user_id: server.owner_id,
        api_key_id: person.id,
      })
      await project('zero_data_retention')
      await ask('priced', person.value)
      expect(await server.counted('completions', 'priced', groups)).toMatchObject({
        user_id: null,
        api_key_id: null,
        project_id: server.project_id,
        input_tokens: 7,
        output_tokens: 3,
        num_model_requests: 1,
      })
      await ask('robot', server.key)
      const ofRobot = await server.counted('completions', 'robot', groups)
      expect(ofRobot.user_id).toStartWith('user-')
      expect(ofRobot.api_key_id).toStartWith('key_')
      // Also not while it runs, nor in what is kept for a result that comes later.
      const rows = await server.database.read.selectFrom('usage_series').selectAll().execute()
      const named = rows.filter(({ user_id, api_key_id }) => user_id === server.owner_id || api_key_id === person.id)
      expect(named.map(({ model }) => model)).toEqual(['before'])
      const costs = await server.request(
        'GET',
        `/organization/costs?start_time=${Math.floor(server.world.now() / 1000) - 86_400}&group_by[]=user_id&group_by[]=api_key_id`,
      )
      const { data } = (await costs.json()) as { data: { results: { user_id: null; amount: { value: number } }[] }[] }
      const spent = data.flatMap(({ results }) => results).filter(({ amount }) => amount.value > 0)
      expect(spent).toMatchObject([{ user_id: null, api_key_id: null, amount: { value: 0.00013 } }])
    })

    test('a running request names no person either', async () => {
      await project('zero_data_retention')
      let finish = () => {}
      const asked = new Promise<void>((reached) =>
        server.answerWith(async () => {
          reached()
          await new Promise<void>((resolve) => (finish = resolve))
          return Response.json({})
        }),
      )
      const headers = { authorization: `Bearer ${person.value}` }
      const answer = server.finish('POST', '/responses', { model: 'priced' }, { headers })
      await asked
      await server.now.writeUsage()
      const running = await server.database.read.selectFrom('in_flight').select('series').execute()
      expect(running.map(({ series }) => (JSON.parse(series!) as { model: string }).model)).toContain('priced')
      expect(JSON.stringify(running)).not.toContain(server.owner_id)
      expect(JSON.stringify(running)).not.toContain(person.id)
      finish()
      await answer
    })
  })
