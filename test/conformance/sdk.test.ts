/**
 * The official SDK, unmodified, in process and over a socket: every operation, walking a list, and
 * what errors it makes of our answers.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { AuthenticationError, BadRequestError, NotFoundError, OpenAI, PermissionDeniedError } from 'openai'
import { Compile } from 'typebox/compile'
import { operations } from '../../contract/index.ts'
import { pathParams } from '../../client/client-call.ts'
import { failure } from '../client/setup.ts'
import { newAdminKey, newServiceAccount } from '../made.ts'
import { recipe } from '../recipes.ts'
import { onBothEngines, type TestServer } from '../setup.ts'

interface Door {
  baseURL: string
  fetch: (url: string | URL | Request, init?: RequestInit) => Promise<Response>
  close: () => Promise<void>
}

const doors: Record<string, (server: TestServer) => Door> = {
  'in process': (server) => ({
    baseURL: 'http://keyhall.test/v1',
    fetch: (url, init) => server.fetch(new Request(url, init)),
    close: async () => {},
  }),
  'over a socket': (server) => {
    const listening = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: server.fetch })
    return { baseURL: `http://127.0.0.1:${listening.port}/v1`, fetch, close: () => listening.stop(true) }
  },
}

for (const [place, open] of Object.entries(doors))
  onBothEngines(`the official SDK ${place}`, (server) => {
    let door: Door
    beforeAll(() => {
      door = open(server())
    })
    afterAll(() => door.close())

    const organization = (adminAPIKey = server().admin_key) => {
      const { baseURL, fetch } = door
      return new OpenAI({ adminAPIKey, apiKey: 'unused', baseURL, fetch, maxRetries: 0 }).admin.organization
    }

    for (const { name, operation } of operations.filter(({ operation }) => !operation.extension))
      test(`calls ${name}`, async () => {
        const { refusal, prepare } = recipe(name)
        const { params, body, query = {} } = await prepare(server())
        const place = name.split('.')
        const resource = place.slice(0, -1).reduce<any>((inside, member) => inside[member], organization())
        const last = pathParams(operation).at(-1)
        const { [last!]: id, ...others } = params
        const numbers = Object.fromEntries(Object.entries(query).map(([name, text]) => [name, Number(text)]))
        const rest = { ...others, ...body, ...numbers }
        const args = [...(last ? [id] : []), ...(Object.keys(rest).length > 0 ? [rest] : [])]
        const called = resource[place.at(-1)!](...args).withResponse()
        if (refusal !== undefined) {
          expect(await failure(called)).toMatchObject({ status: 400, code: refusal })
          return
        }
        const { data, response, request_id } = await called
        expect(response.status).toBe(200)
        expect(request_id).toStartWith('req_')
        if (Symbol.asyncIterator in data) {
          for await (const item of data) expect(item).toBeObject()
        } else expect([...Compile(operation.returns).Errors({ ...data })]).toEqual([])
      })

    test('walks 250 keys, a hundred at a time: each once, newest first', async () => {
      const { project_id, id, api_key } = await newServiceAccount(server())
      const { serviceAccounts, apiKeys } = organization().projects
      const made = [api_key.id]
      for (let n = 1; n < 250; n++) made.push((await serviceAccounts.apiKeys.create(id, { project_id })).id)
      const pages: number[] = []
      for await (const page of (await apiKeys.list(project_id, { limit: 100 })).iterPages())
        pages.push(page.data.length)
      const walked: string[] = []
      for await (const key of apiKeys.list(project_id, { limit: 100 })) walked.push(key.id)
      expect(pages).toEqual([100, 100, 50])
      expect(walked).toEqual(made.toReversed())
    })

    test('throws its class for each refusal, with the request id that the log knows', async () => {
      const { value } = await newAdminKey(server(), { scopes: ['api.management.read'] })
      const { projects } = organization()
      const refusals = [
        [NotFoundError, 404, () => projects.retrieve('proj_none')],
        [NotFoundError, 404, () => projects.apiKeys.list(server().project_id, { after: 'key_none' })],
        [AuthenticationError, 401, () => organization('sk-admin-unknown').projects.list()],
        [PermissionDeniedError, 403, () => organization(value).projects.create({ name: 'No' })],
        [BadRequestError, 400, () => projects.list({ limit: 101 })],
        [BadRequestError, 400, () => projects.create({ name: 'No', more: 1 } as { name: string })],
      ] as const
      for (const [Class, status, call] of refusals) {
        const error = await failure(call())
        expect(error).toBeInstanceOf(Class)
        expect(error.status).toBe(status)
        expect(error.error).toMatchObject({ type: 'invalid_request_error', message: expect.any(String) })
        expect(server().log.at(-1)).toMatchObject({ request_id: error.requestID, status })
      }
    })
  })
