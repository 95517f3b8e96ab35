/** Hosted tools and service tiers of a project: what is refused before it is forwarded. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { engines, START_MILLISECONDS } from '../setup.ts'
import { startMetered, type MeteredServer } from './metered.ts'

for (const engine of engines)
  describe(`what a project may use (${engine})`, () => {
    let server: MeteredServer
    let project_id: string
    beforeAll(async () => {
      server = await startMetered(engine, [{ match: 'priced-*', prices: [{ input: 10, output: 20, priority: 2 }] }])
      const { headers } = await server.fetch(
        new Request('http://keyhall.test/verify', { headers: { authorization: `Bearer ${server.key}` } }),
      )
      project_id = headers.get('x-keyhall-project-id')!
    }, START_MILLISECONDS)
    afterAll(() => server.stop())
    beforeEach(() => void (server.received.length = 0))

    const projects = () => server.client.admin.organization.projects
    const respond = async (body: unknown, path = '/responses') => {
      const { status, text } = await server.finish('POST', path, body)
      return [status, (JSON.parse(text) as { error?: { code: string } }).error?.code]
    }
    const refused = [403, 'hosted_tool_not_permitted']

    test('all hosted tools are on, and what is not given stays', async () => {
      const on = { enabled: true }
      const all = { file_search: on, web_search: on, image_generation: on, mcp: on, code_interpreter: on }
      expect(await projects().hostedToolPermissions.retrieve(project_id)).toEqual(all)
      const changed = { ...all, mcp: { enabled: false } }
      expect(await projects().hostedToolPermissions.update(project_id, { mcp: { enabled: false } })).toEqual(changed)
      expect(await projects().hostedToolPermissions.update(project_id, { web_search: null })).toEqual(changed)
      expect(await respond({ model: 'm', tools: [{ type: 'mcp' }] })).toEqual(refused)
      expect(await projects().hostedToolPermissions.update(project_id, { mcp: on })).toEqual(all)
      expect(await respond({ model: 'm', tools: [{ type: 'mcp' }] })).toEqual([200, undefined])
    })

    const hidden: [name: string, body: string, path?: string][] = [
      ['plainly', '{"model":"m","tools":[{"type":"web_search"}]}'],
      ['before the model', '{"tools":[{"type":"web_search"}],"model":"m"}'],
      ['by a dated name', '{"model":"m","tools":[{"type":"web_search_preview_2025_03_11"}]}'],
      ['behind a function', '{"model":"m","tools":[{"type":"function","name":"f"},{"type":"web_search"}]}'],
      ['with escapes', '{"model":"m","t\\u006fols":[{"typ\\u0065":"web\\u005fsearch"}]}'],
      ['as the first of two types', '{"model":"m","tools":[{"type":"web_search","type":"function"}]}'],
      ['as the second of two types', '{"model":"m","tools":[{"type":"function","type":"web_search"}]}'],
      ['in other letters', '{"model":"m","tools":[{"Type":"WEB_SEARCH"}]}'],
      ['with spaces', '{"model":"m","tools":[ { "type" \n : \t "web_search" } ]}'],
      ['inside another tool', '{"model":"m","tools":[{"type":"namespace","tools":[{"type":"web_search"}]}]}'],
      ['in no list', '{"model":"m","tools":{"a":{"type":"web_search"}}}'],
      ['as an option of chat', '{"model":"m","messages":[],"web_search_options":{}}', '/chat/completions'],
      ['in a realtime session', '{"session":{"tools":[{"type":"web_search"}]}}', '/realtime/client_secrets'],
    ]
    test('a tool that is off is found wherever it is named, and nothing is forwarded', async () => {
      await projects().hostedToolPermissions.update(project_id, { web_search: { enabled: false } })
      for (const [name, body, path] of hidden)
        expect({ name, answer: await respond(body, path) }).toEqual({ name, answer: refused })
      const twice = '{"model":"m","tools":[],"tools":[{"type":"web_search"}]}'
      expect((await respond(twice))[0]).toBe(400)
      const deep = `{"model":"m","tools":${'['.repeat(200)}{"type":"web_search"}${']'.repeat(200)}}`
      expect((await respond(deep))[0]).toBe(400)
      expect(server.received).toEqual([])
      const harmless = { model: 'm', input: 'web_search', tools: [{ type: 'function', name: 'web_search' }] }
      expect(await respond(harmless)).toEqual([200, undefined])
      await projects().hostedToolPermissions.update(project_id, { web_search: { enabled: true } })
    })

    test('the lines of a batch are held to the same', async () => {
      await projects().hostedToolPermissions.update(project_id, { code_interpreter: { enabled: false } })
      const line = (tool: string) =>
        JSON.stringify({
          custom_id: '1',
          method: 'POST',
          url: '/v1/responses',
          body: { model: 'm', input: 'x', tools: [{ type: tool }] },
        })
      const batch = { input_file_id: 'file-1', endpoint: '/v1/responses', completion_window: '24h' }
      let lines = `${line('function')}\n${line('code_interpreter')}\n`
      server.answerWith(({ path }) =>
        path.startsWith('/files') ? new Response(lines) : Response.json({ id: 'batch_1' }),
      )
      expect(await respond(batch, '/batches')).toEqual(refused)
      lines = `${line('function')}\n`
      expect(await respond(batch, '/batches')).toEqual([200, undefined])
      server.answerWith(() => Response.json({}))
      await projects().hostedToolPermissions.update(project_id, { code_interpreter: { enabled: true } })
    })

    test('requests go as they are until service tiers are set, and then have the default', async () => {
      const sent = async (body: object, path = '/responses') => {
        await server.finish('POST', path, { model: 'm', ...body })
        return server.received.at(-1)!.body.service_tier
      }
      const unset = { object: 'project.service_tier_settings', default: 'standard', enabled_tiers: 'all' }
      expect(await projects().serviceTierSettings.retrieve(project_id)).toEqual(unset as never)
      expect(await sent({})).toBeUndefined()
      expect(await sent({ service_tier: 'auto' })).toBe('auto')
      await projects().serviceTierSettings.update(project_id, { default: 'fast' })
      expect(await sent({})).toBe('priority')
      expect(await sent({ service_tier: null })).toBe('priority')
      expect(await sent({ service_tier: 'auto', messages: [] }, '/chat/completions')).toBe('priority')
      expect(await sent({ service_tier: 'flex' })).toBe('flex')
      expect(await sent({ input: 'x' }, '/embeddings')).toBeUndefined()
      await projects().serviceTierSettings.update(project_id, { default: 'standard' })
      expect(await sent({})).toBe('default')
    })

    test('the tier that was sent has its price, where the upstream does not say another', async () => {
      server.answerWith(() => Response.json({ usage: { input_tokens: 100, output_tokens: 100 } }))
      await projects().serviceTierSettings.update(project_id, { default: 'fast' })
      for (const [tier, body] of Object.entries({
        default: {},
        priority: { service_tier: 'priority' },
        fast: { service_tier: 'fast' },
      })) {
        await server.finish('POST', '/responses', { model: `priced-${tier}`, input: 'x', ...body })
        await server.counted('completions', `priced-${tier}`)
        const start_time = Math.floor(server.world.now() / 86_400_000) * 86_400
        const { data } = await server.client.admin.organization.usage.costs({ start_time, group_by: ['line_item'] })
        const items = data.at(-1)!.results as { line_item: string; amount: { value: number } }[]
        const own = items.filter(({ line_item }) => line_item.startsWith(`priced-${tier},`))
        expect([tier, own.reduce((sum, { amount }) => sum + amount.value, 0)]).toEqual([tier, 0.006])
      }
      server.answerWith(() => Response.json({}))
      await projects().serviceTierSettings.update(project_id, { default: 'standard' })
    })

    test('a tier that is not enabled is refused, however it is written', async () => {
      await projects().serviceTierSettings.update(project_id, { default: 'standard', enabled_tiers: ['flex'] })
      const off = [403, 'service_tier_not_permitted']
      expect(await respond({ model: 'm', service_tier: 'priority' })).toEqual(off)
      expect(await respond({ model: 'm', service_tier: 'fast' })).toEqual(off)
      expect(await respond({ model: 'm', service_tier: 'scale' })).toEqual(off)
      expect(await respond({ model: 'm', service_tier: 'turbo' })).toEqual(off)
      expect(await respond('{"service_tier":"prior\\u0069ty","model":"m"}')).toEqual(off)
      expect((await respond('{"service_tier":"flex","service_tier":"priority","model":"m"}'))[0]).toBe(400)
      expect((await respond('{"Service_Tier":"priority","model":"m"}'))[0]).toBe(400)
      expect((await respond({ model: 'm', service_tier: ['priority'] }))[0]).toBe(400)
      expect(server.received).toEqual([])
      expect(await respond({ model: 'm', service_tier: 'flex' })).toEqual([200, undefined])
      expect(await respond({ model: 'm', service_tier: 'default' })).toEqual([200, undefined])
      const refusedDefault = projects().serviceTierSettings.update(project_id, { default: 'fast' })
      expect(await refusedDefault.catch((error: Error) => error.message)).toContain('not among')
      await projects().serviceTierSettings.update(project_id, { enabled_tiers: 'all' })
      expect(await respond({ model: 'm', service_tier: 'priority' })).toEqual([200, undefined])
    })
  })
