/** Paths that name the model as Azure's clients do. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { engines, START_MILLISECONDS } from '../setup.ts'
import { startMetered, type MeteredServer } from './metered.ts'

for (const engine of engines)
  describe(`deployments in paths (${engine})`, () => {
    let server: MeteredServer
    beforeAll(async () => void (server = await startMetered(engine)), START_MILLISECONDS)
    afterAll(() => server.stop())

    const sent = async (path: string, body: unknown) => {
      server.received.length = 0
      const { status } = await server.finish('POST', path, body)
      const [one] = server.received
      return one ? [one.path, one.text] : status
    }

    test('the upstream gets the path without it, and the model in the body', async () => {
      const forwarded = ['/chat/completions', '{"n":1,"model":"tiny"}']
      expect(await sent('/deployments/tiny/chat/completions', '{"n":1}')).toEqual(forwarded)
      expect(await sent('/deployments/tiny/chat/completions/', '{"n":1,"model":"tiny"}')).toEqual(forwarded)
      expect(await sent('/Deployments/t%69ny/chat/completions', '{"n":1,"model":"other"}')).toEqual(forwarded)
      expect(await sent('/deployments/a%22b/chat/completions', '{}')).toEqual([
        '/chat/completions',
        '{"model":"a\\"b"}',
      ])
    })

    test('what is no such path stays as it is, or is refused', async () => {
      expect(await sent('/deployments/tiny', '{}')).toEqual(['/deployments/tiny', '{}'])
      for (const path of ['/deployments//chat', '/deployments/a%2fb/chat'])
        expect([path, await sent(path, '{}')]).toEqual([path, 404])
      for (const path of ['/deployments/tiny/organization/users', '/deployments/tiny/v1/chat/completions'])
        expect([path, await sent(path, '{}')]).toEqual([path, 404])
    })

    test('a form must name the same model', async () => {
      const form = (model?: string) => {
        const made = new FormData()
        made.set('file', new File(['x'], 'a.wav'))
        if (model !== undefined) made.set('model', model)
        return made
      }
      const path = '/deployments/tiny/audio/transcriptions'
      expect(await sent(path, form('tiny'))).toEqual(['/audio/transcriptions', expect.stringContaining('tiny')])
      for (const model of ['other', undefined]) expect(await sent(path, form(model))).toBe(400)
    })

    test('limits and usage are those of the deployment', async () => {
      const { modelPermissions } = server.client.admin.organization.projects
      await modelPermissions.update(server.project_id, { mode: 'allow_list', model_ids: ['allowed'] })
      expect(await sent('/deployments/denied/chat/completions', '{"model":"allowed"}')).toBe(403)
      server.answerWith(() => Response.json({ usage: { prompt_tokens: 3, completion_tokens: 4 } }))
      expect(await sent('/deployments/allowed/chat/completions', '{"model":"denied"}')).toEqual([
        '/chat/completions',
        '{"model":"allowed"}',
      ])
      expect(await server.counted('completions', 'allowed')).toMatchObject({ input_tokens: 3, output_tokens: 4 })
      await modelPermissions.delete(server.project_id)
    })
  })
