/** Bodies of other types than JSON and forms: which are read as JSON, and which pass unread. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { randomBytes } from 'node:crypto'
import { engines, START_MILLISECONDS } from '../setup.ts'
import { startMetered, type MeteredServer } from './metered.ts'

const MiB = 1024 * 1024

for (const engine of engines)
  describe(`a body (${engine})`, () => {
    let server: MeteredServer
    beforeAll(async () => {
      server = await startMetered(engine, [], { limits: { upload_bytes: MiB } })
      server.answerWith(() => Response.json({ usage: { prompt_tokens: 3, completion_tokens: 4 } }))
    }, START_MILLISECONDS)
    afterAll(() => server.stop())

    /** With these headers beside the key, and without any that Request would add. */
    const send = async (path: string, body: string | Uint8Array<ArrayBuffer>, type: string | null, more = {}) => {
      const before = server.received.length
      const { key, method = 'POST', ...rest } = more as { key?: string; method?: string }
      const answer = await server.fetch(
        new Request(`http://keyhall.test/v1${path}`, {
          method,
          // Of bytes, Request does not guess a type.
          body: typeof body === 'string' ? new TextEncoder().encode(body) : body,
          headers: {
            authorization: `Bearer ${key ?? server.key}`,
            ...(type !== null && { 'content-type': type }),
            ...rest,
          },
        }),
      )
      const text = await answer.text()
      return { status: answer.status, text, sent: server.received.slice(before) }
    }

    for (const type of [
      null,
      'text/plain',
      'text/plain;charset=UTF-8',
      'TEXT/PLAIN',
      'application/x-www-form-urlencoded',
    ])
      test(`of the type ${type} with JSON inside is JSON, for policies, meter and upstream`, async () => {
        const model = `sent-as-${type}`.slice(0, 40)
        const json = ` \n\t{"model":${JSON.stringify(model)},"messages":[]}`
        const { status, sent } = await send('/chat/completions', json, type)
        expect(status).toBe(200)
        expect(sent).toMatchObject([{ text: json, headers: { 'content-type': 'application/json' } }])
        expect(await server.counted('completions', model)).toMatchObject({ input_tokens: 3, output_tokens: 4 })
        const { modelPermissions } = server.client.admin.organization.projects
        await modelPermissions.update(server.project_id, { mode: 'deny_list', model_ids: [model] })
        expect(await send('/chat/completions', json, type)).toMatchObject({ status: 403, sent: [] })
        await modelPermissions.delete(server.project_id)
      })

    test('that says nothing of its type and is no JSON is a 415, broken JSON a 400', async () => {
      for (const type of [null, 'text/plain', 'application/x-www-form-urlencoded'])
        for (const body of ['Hello', 'model=tiny', '[1]', '"text"', ' ', '\0{"model":"a"}'])
          expect(await send('/chat/completions', body, type)).toMatchObject({ status: 415, sent: [] })
      expect(await send('/chat/completions', '{"model":', 'text/plain')).toMatchObject({ status: 400, sent: [] })
      expect(await send('/chat/completions', '{"model":"a","model":"b"}', null)).toMatchObject({
        status: 400,
        sent: [],
      })
    })

    test('of another type passes unread on the paths that take it, byte for byte', async () => {
      const bytes = new Uint8Array(randomBytes(400_000))
      const sdp = 'v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n'
      for (const [method, path, type, body] of [
        ['POST', '/realtime/calls', 'application/sdp', sdp],
        ['POST', '/realtime/calls/', 'application/sdp', sdp],
        ['PUT', '/uploads/upload_1/parts/2', 'application/octet-stream', bytes],
        ['PATCH', '/uploads/upload_1', 'application/octet-stream', bytes],
        ['POST', '/files', 'image/svg+xml', bytes],
        ['POST', '/audio/transcriptions?model=whisper', 'audio/wav', bytes],
      ] as const) {
        const { status, sent } = await send(path, body, type, { method })
        expect({ path, status }).toEqual({ path, status: 200 })
        expect(sent).toHaveLength(1)
        expect(sent[0]!.method).toBe(method)
        expect(sent[0]!.headers).toMatchObject({ 'content-type': type, 'content-length': String(body.length) })
        expect(sent[0]!.text).toBe(typeof body === 'string' ? body : new TextDecoder().decode(body))
      }
    })

    test('of another type is a 415 everywhere else', async () => {
      for (const [path, type] of [
        ['/chat/completions', 'application/octet-stream'],
        ['/chat/completions', 'application/sdp'],
        ['/realtime/calls', 'audio/wav'],
        ['/realtime/calls/call_1/accept', 'application/sdp'],
        ['/files', 'application/sdp'],
        ['/files', 'text/html'],
        ['/filesystem', 'application/octet-stream'],
        ['/audio/speech', 'audio/wav'],
        ['/audio/transcriptions', 'audio/wav, application/json'],
        ['/images/edits', 'image/png'],
      ] as const) {
        const { status, text, sent } = await send(path, '{"model":"a"}', type)
        expect({ path, type, status, sent }).toEqual({ path, type, status: 415, sent: [] })
        expect(text).toContain('"code":"unsupported_content_type"')
      }
    })

    test('that passes unread needs the permission of its path', async () => {
      const account = await server.client.admin.organization.projects.serviceAccounts.create(server.project_id, {
        name: 'reader',
      })
      const path = `/organization/projects/${server.project_id}/service_accounts/${account.id}/api_keys`
      const issued = await server.request('POST', path, { scopes: ['api.files.read', 'api.model.read'] })
      const { value: key } = (await issued.json()) as { value: string }
      for (const [path, type, needed] of [
        ['/uploads/upload_1/parts', 'application/octet-stream', 'api.files.write'],
        ['/realtime/calls', 'application/sdp', 'api.model.request'],
        ['/audio/translations', 'audio/mpeg', 'api.model.request'],
      ] as const) {
        const refused = await send(path, 'x', type, { key })
        expect(refused).toMatchObject({ status: 403, sent: [] })
        expect(refused.text).toContain(needed)
      }
    })

    test('that passes unread has a largest size, announced or not', async () => {
      const large = new Uint8Array(MiB + 1)
      const sdp = new Uint8Array(300 * 1024)
      for (const [path, type, body] of [
        ['/uploads/upload_1/parts', 'application/octet-stream', large],
        ['/realtime/calls', 'application/sdp', sdp],
      ] as const)
        for (const headers of [{}, { 'content-length': String(body.length) }]) {
          const refused = await send(path, body, type, headers)
          expect(refused).toMatchObject({ status: 413, sent: [] })
          expect(refused.text).toContain('"code":"request_too_large"')
        }
    })

    test('that passes unread has the model of the query, where limits may depend on it', async () => {
      const { modelPermissions } = server.client.admin.organization.projects
      const ask = (path: string, type: string) => send(path, 'v=0', type)
      const metered = await ask('/audio/transcriptions?language=de&model=whisper-x', 'audio/ogg')
      expect(metered.status).toBe(200)
      expect(await server.counted('audio_transcriptions', 'whisper-x')).toMatchObject({ num_model_requests: 1 })
      for (const query of ['?model=a&model=b', '?Model=a', '?MODEL=a&model=a', '?model=a&%6dodel=b'])
        expect(await ask(`/realtime/calls${query}`, 'application/sdp')).toMatchObject({ status: 400, sent: [] })
      await modelPermissions.update(server.project_id, { mode: 'allow_list', model_ids: ['allowed'] })
      for (const [path, type] of [
        ['/realtime/calls', 'application/sdp'],
        ['/audio/transcriptions', 'audio/wav'],
      ] as const) {
        expect(await ask(`${path}?model=allowed`, type)).toMatchObject({ status: 200 })
        expect(await ask(`${path}?model=other`, type)).toMatchObject({ status: 403, sent: [] })
        expect(await ask(path, type)).toMatchObject({ status: 400, sent: [] })
        expect(await ask(`${path}?model=`, type)).toMatchObject({ status: 400, sent: [] })
      }
      // Files use no model.
      expect(await ask('/files', 'application/octet-stream')).toMatchObject({ status: 200 })
      await modelPermissions.delete(server.project_id)
    })
  })
