/** Request → call → Response: the only place in the administration that knows HTTP and renders errors. */
import { Hono } from 'hono'
import { getPath } from 'hono/utils/url'
import { ApiError, internal, invalid, tooLarge, unknownRoute, wrongMethod } from '../contract/errors.ts'
import type { Operation } from '../contract/kit.ts'
import { answerHeaders, errorBody, hasWrongHost, pathnameOf, pathOf, searchOf } from '../http/answer.ts'
import type { RequestLine } from '../http/request-line.ts'
import { newRequestId } from '../keys/random.ts'
import { seconds } from '../keys/world.ts'
import { verifyAdminKey } from '../keys/verify.ts'
import { acceptPage } from './accept-page.ts'
import { endpoints } from './api.ts'
import { pipeline, type AdminContext, type Caller, type Incoming } from './call.ts'
import { openApi } from './openapi.ts'

const LARGEST_BODY = 1024 * 1024
const BASE = '/v1'

export interface AdminOptions {
  log?: (line: RequestLine) => void
  /** The address of whoever called; null in process. */
  addressOf?: (request: Request) => string | null
}

/** What came out of a request: an object to send as JSON, or the text of a page whose headers say what it is. */
interface Answered {
  body: unknown
  caller?: Pick<Caller, 'organization_id' | 'key_id'>
  headers?: Record<string, string>
}

/** The Administration API as a web-standard handler; beside it `/health`, `/openapi.json` and the page that accepts invitations. */
export function adminApp(context: AdminContext, { log, addressOf = () => null }: AdminOptions = {}) {
  const app = new Hono({ getPath: routedPath })
  const patterns = endpoints.map(({ operation }) => ({
    method: operation.method,
    pattern: pathPattern(operation.path),
  }))
  const methodsAt = (path: string) => patterns.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method)

  for (const { name, operation, implemented } of endpoints) {
    const run = pipeline(context, operation, implemented)
    app.on(operation.method, honoPath(operation), (c) =>
      answer(c.req.raw, name, async (request, ip_address) => {
        const { headers } = request
        const incoming: Incoming = {
          authorization: headers.get('authorization'),
          organization: headers.get('openai-organization'),
          params: c.req.param(),
          search: searchOf(request.url),
          body: request.method === 'POST' ? await readBody(request) : '',
          ip_address,
          user_agent: headers.get('user-agent'),
        }
        return run(incoming)
      }),
    )
  }

  app.get('/health', (c) =>
    answer(c.req.raw, 'health', async () => {
      await context.database.ping()
      return { body: { status: 'ok' } }
    }),
  )
  const document = openApi()
  app.get('/openapi.json', (c) => answer(c.req.raw, 'openapi', async () => ({ body: document })))

  app.get('/invites/accept', (c) => answer(c.req.raw, 'accept page', async () => acceptPage))

  app.notFound((c) =>
    answer(c.req.raw, null, async (request) => {
      if (hasWrongHost(request)) throw invalid('The Host header of the request names no host.', null, null)
      const path = pathnameOf(request.url)
      if (path.startsWith(`${BASE}/`)) {
        const { headers } = request
        await verifyAdminKey(context.database.read, context.keys, headers.get('authorization'), seconds(context.world))
      }
      throw (methodsAt(path).length > 0 ? wrongMethod : unknownRoute)(request.method, pathOf(request.url))
    }),
  )

  /** Runs, renders what came out or was thrown, and reports it. */
  async function answer(
    request: Request,
    operation: string | null,
    run: (request: Request, ip_address: string | null) => Promise<Answered>,
  ): Promise<Response> {
    const began = performance.now()
    const request_id = newRequestId(context.world)
    const ip_address = addressOf(request)
    let status = 200
    let body: unknown
    let caller: Answered['caller']
    let others: Answered['headers']
    let cause: unknown
    let retry = true
    try {
      ;({ body, caller, headers: others } = await run(request, ip_address))
    } catch (thrown) {
      const error = thrown instanceof ApiError ? thrown : internal(request_id)
      if (error.status >= 500) cause = thrown
      status = error.status
      retry = status !== 409 && error.code !== 'outcome_unknown'
      body = errorBody(error)
    }
    const milliseconds = performance.now() - began
    const headers = { ...answerHeaders(request_id, milliseconds), ...others }
    if (caller) headers['openai-organization'] = caller.organization_id
    if (status === 405) headers.allow = methodsAt(pathnameOf(request.url)).join(', ')
    if (!retry) headers['x-should-retry'] = 'false'
    if (log) {
      const { method, url } = request
      log({
        request_id,
        half: 'admin',
        method,
        path: pathOf(url),
        operation,
        status,
        milliseconds,
        organization_id: caller?.organization_id ?? null,
        project_id: null,
        key_id: caller?.key_id ?? null,
        ip_address,
        cause,
      })
    }
    return new Response(typeof body === 'string' ? body : JSON.stringify(body), { status, headers })
  }

  return app
}

/** What Hono finds a route by. It takes the path from behind a host, of which there may be none. */
function routedPath(request: Request): string {
  if (!request.url.startsWith('/')) return getPath(request)
  return hasWrongHost(request) ? '' : getPath({ url: `http://localhost${request.url}` } as Request)
}

const honoPath = ({ path }: Operation) => BASE + path.replace(/\{(\w+)\}/g, ':$1')

const pathPattern = (path: string) => new RegExp(`^${BASE}${path.replace(/\{\w+\}/g, '[^/]+')}$`)

/** The body as text, refused as soon as it is too long, whatever its Content-Length says. */
async function readBody(request: Request): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body ?? []) {
    size += chunk.length
    if (size > LARGEST_BODY) throw tooLarge(LARGEST_BODY)
    chunks.push(chunk)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
  } catch {
    throw invalid('The body of the request is not UTF-8.', null, null)
  }
}
