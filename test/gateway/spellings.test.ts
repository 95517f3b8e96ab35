/**
 * Names of members that one server takes for those that the gateway decides by, and another does
 * not: nothing of such a body is forwarded.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { members } from '../../gateway/meter/endpoints.ts'
import { engines } from '../setup.ts'
import { startGateway, type GatewayServer } from './setup.ts'
import { startUpstream, type FakeUpstream } from './upstream.ts'

/** As a server reads it that ignores case, as the JSON packages of Go and .NET can, and cJSON. */
const spellings = (name: string) =>
  [
    name.toUpperCase(),
    name[0]!.toUpperCase() + name.slice(1),
    name.slice(0, -1) + name.at(-1)!.toUpperCase(),
    ...(name.includes('s') ? [name.replace('s', 'ſ')] : []),
    ...(name.includes('k') ? [name.replace('k', '\u212a')] : []),
  ].filter((spelling) => spelling !== name)
const escaped = (name: string) => `\\u${name.charCodeAt(0).toString(16).padStart(4, '0')}${name.slice(1)}`

const FORM = { 'content-type': 'multipart/form-data; boundary=b' }
const part = (headers: string, value = 'allowed') => `--b\r\n${headers}\r\n\r\n${value}\r\n`
const field = (parameters: string) => `Content-Disposition: form-data; ${parameters}`

for (const engine of engines)
  describe(`other spellings of names (${engine})`, () => {
    let upstream: FakeUpstream
    let server: GatewayServer
    beforeAll(async () => {
      upstream = startUpstream()
      server = await startGateway(engine, `upstreams: [{ name: one, base_url: "${upstream.url}", models: ["*"] }]`)
      const { modelPermissions } = server.admin.admin.organization.projects
      await modelPermissions.update(server.project_id, { mode: 'allow_list', model_ids: ['allowed'] })
    })
    afterAll(async () => {
      await server.stop()
      await upstream.stop()
    })
    beforeEach(() => void upstream.sent.splice(0))

    const refusal = async (path: string, body: string, headers = {}) => {
      const response = await server.request('POST', path, body, headers)
      const { error } = (await response.json()) as { error: { message: string; param: string | null; code: string } }
      expect([response.status, upstream.sent]).toEqual([400, []])
      return error
    }
    const form = (...parts: string[]) => `${parts.join('')}--b--\r\n`

    test('every member that the gateway decides by is refused in other letters, and named', async () => {
      for (const name of ['model', ...members])
        for (const spelling of spellings(name))
          for (const written of [spelling, escaped(spelling)]) {
            const error = await refusal('/chat/completions', `{"model":"allowed","${written}":"denied"}`)
            expect(error).toMatchObject({ param: spelling, code: 'unknown_parameter' })
            expect(error.message).toContain(`Did you mean '${name}'?`)
          }
    })

    test('also without the one that is meant, before it or with a NUL', async () => {
      for (const body of [
        '{"Model":"denied"}',
        '{"Model":"denied","model":"allowed"}',
        '{"model":"allowed","model\\u0000sk-proj-x":"denied"}',
      ])
        expect((await refusal('/chat/completions', body)).message).toContain("Did you mean 'model'?")
    })

    test('below the top level names are free, and similar ones are forwarded', async () => {
      const body = '{"model":"allowed","modelle":1,"mödel":2,"metadata":{"Model":"a","TOOLS":1},"x":["Model"]}'
      expect((await server.request('POST', '/chat/completions', body)).status).toBe(200)
      expect(upstream.sent.map((sent) => sent.body)).toEqual([body])
    })

    test('a field of a form is refused in other letters, and named', async () => {
      for (const name of ['Model', 'MODEL', 'Stream', 'ſtream']) {
        const error = await refusal(
          '/audio/transcriptions',
          form(part(field('name=model')), part(field(`name="${name}"`))),
          FORM,
        )
        expect(error).toMatchObject({ param: name, code: 'unknown_parameter' })
      }
    })

    for (const [what, head] of [
      ['a backslash in its name', field('name="mod\\el"')],
      ['a backslash without quotes', field('name=mod\\el')],
      ['a name with a character set', field("name*=utf-8''model")],
      ['a name in pieces', field('name*0="mo"; name*1="del"')],
      ['a header in two lines', 'Content-Disposition: form-data;\r\n name="model"'],
      ['a header that ends in a line feed', 'X: y\nContent-Disposition: form-data; name="model"'],
      ['a space before the colon', 'Content-Disposition : form-data; name="model"'],
      ['two names', field('name="a"; name="model"')],
      ['two names to a browser', field('name="a"; filename="\\"; name="model"; x="\\"')],
      ['a text that is no parameter', field('name="a" "; name="model"')],
      ['a value that is encoded', `${field('name="model"')}\r\nContent-Transfer-Encoding: quoted-printable`],
      ['a file', field('name="model"; filename="x"')],
      ['a file whose name has a character set', field("name=model; FileName*=utf-8''x")],
      ['a value in another character set', `${field('name="model"')}\r\nContent-Type: text/plain; charset=utf-16`],
    ] as const)
      test(`a part of a form that parsers read differently is refused: ${what}`, async () => {
        const error = await refusal('/audio/transcriptions', form(part(head, 'allowed')), FORM)
        expect(error.message).toContain('multipart form')
      })

    test('forms as clients send them are forwarded', async () => {
      for (const head of [
        field('name="model"'),
        field('name=model'),
        'content-disposition:form-data;name="model";',
        `${field('name="model"')}\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: 8bit`,
      ]) {
        const file = `${field('name="file"; filename="C:\\dir\\a b\\"c;d.wav"; filename*=utf-8\'\'x.wav')}\r\nContent-Type: audio/wav`
        const plain = field('name=prompt; filename=my file.txt')
        const end = field('name="other"; filename="ends in a\\"')
        const body = form(part(file, 'x'), part(plain), part(end), part(head))
        expect((await server.request('POST', '/audio/transcriptions', body, FORM)).status).toBe(200)
        expect(upstream.sent.pop()!.body).toBe(body)
      }
    })
  })
