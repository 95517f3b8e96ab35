/**
 * Turns a Request into a call and its result into a Response. No other file of the administration
 * knows HTTP.
 */
import { Hono, type Context } from 'hono'
import { getPath } from 'hono/utils/url'
import { invalid, wrongMethod } from '../contract/errors.ts'
import type { Operation } from '../contract/kit.ts'
import { SESSION_SECONDS } from '../contract/sessions.ts'
import { BodyBudget, type BodyReservation } from '../http/body-budget.ts'
import { readBody } from '../http/bounded-body.ts'
import type { RequestLine } from '../http/request-line.ts'
import { PageRequest, type OriginsOf } from '../http/own-pages.ts'
import { beginExchange, failure, respond, type Reporting } from '../http/respond.ts'
import { unknownPath } from '../http/unknown-path.ts'
import { hasWrongHost, loggablePath, rawPath, searchOf } from '../http/url.ts'
import { seconds } from '../world/world.ts'
import { maskEncodedKeys } from '../keys/format.ts'
import { verifyAdminKey } from '../keys/verify-admin-key.ts'
import { verifySession } from '../keys/verify-session.ts'
import { acceptPage } from './invites/accept-page.ts'
import { endpoints, type Endpoint } from './api.ts'
import type { OidcEndpoint } from './oidc/oidc-endpoint.ts'
import type { AdminContext, Caller } from './call.ts'
import { frontPage, wantsPage } from './front-page.ts'
import { Pipeline } from './pipeline.ts'
import { openApi } from './openapi.ts'

const LARGEST_BODY = 1024 * 1024
/** For an operation without a key; the longest token and name fit in it many times. */
const LARGEST_BODY_WITHOUT_KEY = 8 * 1024
const BODY_MILLISECONDS = 60_000
const BASE = '/v1'

export interface AdminOptions {
  log?: (line: RequestLine) => void
  /** The IP address of the client; null in process. */
  addressOf?: (request: Request) => string | null
  /** The origins of pages of this server; without it nobody can sign in. */
  originsOf?: OriginsOf
  /** Where people sign in at an issuer. */
  oidcEndpoint?: OidcEndpoint
  /** The memory for request bodies, shared with the gateway. */
  bodies?: BodyBudget
  /** Whether the console is served beside it. */
  hasConsole?: boolean
}

/**
 * The Administration API as a web-standard handler; beside it `/health`, `/openapi.json` and the
 * page that accepts invitations.
 */
export const adminApp = (context: AdminContext, options: AdminOptions = {}) => new AdminApp(context, options).hono

/**
 * The result of a request: an object to send as JSON, or the text of a page whose headers say what
 * it is.
 */
interface Result {
  body: unknown
  caller?: Pick<Caller, 'organization_id' | 'key_id'>
  headers?: Record<string, string>
}

class AdminApp {
  readonly hono = new Hono({ getPath: routedPath })
  readonly #context: AdminContext
  readonly #reporting: Reporting
  readonly #addressOf: (request: Request) => string | null
  readonly #bodies: BodyBudget
  readonly #originsOf: OriginsOf
  readonly #frontPage: ReturnType<typeof frontPage>
  readonly #oidc: OidcEndpoint | undefined

  constructor(context: AdminContext, options: AdminOptions) {
    const { log, addressOf = () => null, bodies = new BodyBudget(), originsOf = () => [] } = options
    this.#context = context
    this.#originsOf = originsOf
    this.#oidc = options.oidcEndpoint
    this.#reporting = { world: context.world, log }
    this.#addressOf = addressOf
    this.#bodies = bodies
    this.#frontPage = frontPage({ hasConsole: options.hasConsole === true })
    for (const endpoint of endpoints) this.#addOperation(endpoint)
    this.hono.get('/health', (c) => this.#answer(c.req.raw, 'health', () => this.#health()))
    const document = openApi()
    this.hono.get('/openapi.json', (c) => this.#answer(c.req.raw, 'openapi', async () => ({ body: document })))
    this.hono.get('/invites/accept', (c) => this.#answer(c.req.raw, 'accept page', async () => acceptPage))
    this.hono.get('/console/sign-in-methods.json', (c) =>
      this.#answer(c.req.raw, 'sign-in methods', async () => ({ body: this.#signInMethods(c.req.raw) })),
    )
    const { oidcEndpoint: oidc } = options
    if (oidc) this.hono.all('/console/oidc/:step{start|callback}', (c) => oidc.fetch(c.req.raw))
    this.hono.get('/', (c) => this.#answer(c.req.raw, 'front page', (ip_address) => this.#front(c.req.raw, ip_address)))
    this.hono.notFound((c) => this.#answer(c.req.raw, null, (ip_address) => this.#rejectUnknown(c.req.raw, ip_address)))
  }

  #addOperation({ name, operation, handler }: Endpoint) {
    const pipeline = new Pipeline(this.#context, operation, handler)
    this.hono.on(operation.method, honoPath(operation), (c) =>
      this.#answer(c.req.raw, name, (ip_address) => this.#run(pipeline, c, ip_address)),
    )
  }

  /** Runs an operation; the memory of its body is given back afterwards. */
  async #run(pipeline: Pipeline, { req }: Context, ip_address: string | null): Promise<Result> {
    const { headers, url } = req.raw
    const page = new PageRequest(req.raw, this.#originsOf)
    let reservation: BodyReservation | undefined
    try {
      const result = await pipeline.run({
        authorization: headers.get('authorization'),
        session: pipeline.needsKey ? page.readToken() : null,
        requireSignIn: () => page.requireSignIn(),
        organization: headers.get('openai-organization'),
        params: req.param(),
        search: searchOf(url),
        readBody: (caller_id) => {
          reservation = this.#bodies.open(caller_id)
          return readText(req.raw, caller_id === null ? LARGEST_BODY_WITHOUT_KEY : LARGEST_BODY, reservation)
        },
        ip_address,
        user_agent: userAgentOf(headers),
      })
      if (result.session === undefined) return result
      return { ...result, headers: { 'set-cookie': page.setCookie(result.session, SESSION_SECONDS) } }
    } finally {
      reservation?.release()
    }
  }

  /** How people can sign in from here. */
  #signInMethods(request: Request) {
    const canSignIn = this.#originsOf(request).length > 0
    const none = { oidc: false, oidc_name: null }
    const oidc = (canSignIn && this.#oidc?.method) || none
    return { admin_key: canSignIn, link: canSignIn && this.#context.mail !== null, ...oidc }
  }

  async #front(request: Request, ip_address: string | null): Promise<Result> {
    return wantsPage(request.headers) ? this.#frontPage : this.#rejectUnknown(request, ip_address)
  }

  async #health(): Promise<Result> {
    await this.#context.database.ping()
    return { body: { status: 'ok' } }
  }

  /**
   * Throws the error for an unknown path. Below `/v1`, callers without an admin key or a session
   * get 401 and learn no more.
   */
  async #rejectUnknown(request: Request, ip_address: string | null): Promise<never> {
    if (hasWrongHost(request))
      throw invalid('The request must have one Host header, and it must name a host.', null, null)
    const path = rawPath(request.url)
    if (path.startsWith(`${BASE}/`)) {
      const { database, keys, world } = this.#context
      const session = new PageRequest(request, this.#originsOf).readToken()
      if (session !== null) await verifySession(database.read, keys, { session, ip_address }, seconds(world))
      else {
        const shown = { authorization: request.headers.get('authorization'), ip_address }
        await verifyAdminKey(database.read, keys, shown, seconds(world))
      }
    }
    const allowed = methodsAt(path).join(', ')
    const shown = loggablePath(request.url)
    throw allowed ? wrongMethod(request.method, shown, allowed) : unknownPath(request.method, shown)
  }

  /** Runs a request, and responds with its result or its error. */
  async #answer(
    request: Request,
    operation: string | null,
    run: (ip_address: string | null) => Promise<Result>,
  ): Promise<Response> {
    const exchange = beginExchange('admin', request, this.#reporting, { operation })
    const ip_address = (exchange.line.ip_address = this.#addressOf(request))
    try {
      const { body, caller, headers } = await run(ip_address)
      if (!caller) return respond(exchange, { body, headers })
      exchange.line.organization_id = caller.organization_id
      exchange.line.key_id = caller.key_id
      return respond(exchange, { body, headers: { 'openai-organization': caller.organization_id, ...headers } })
    } catch (thrown) {
      return respond(exchange, failure(exchange, thrown))
    }
  }
}

/** The user agent for the audit log, with keys in it masked. */
function userAgentOf(headers: Headers): string | null {
  const text = headers.get('user-agent')
  return text === null ? null : maskEncodedKeys(text)
}

/**
 * The path by which Hono finds a route. Hono looks for it behind the host, which a URL may lack
 * here.
 */
function routedPath(request: Request): string {
  if (hasWrongHost(request)) return ''
  return request.url.startsWith('/') ? getPath({ url: `http://localhost${request.url}` } as Request) : getPath(request)
}

const honoPath = ({ path }: Operation) => BASE + path.replace(/\{(\w+)\}/g, ':$1')

interface Route {
  method: string
  pattern: RegExp
}

const routeOf = (method: string, path: string): Route => ({
  method,
  pattern: new RegExp(`^${BASE}${path.replace(/\{\w+\}/g, '[^/]+')}$`),
})

const routes = endpoints.map(({ operation: { method, path } }) => routeOf(method, path))

const methodsAt = (path: string) => routes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method)

async function readText(request: Request, most_bytes: number, reservation: BodyReservation): Promise<string> {
  if (request.body === null) return ''
  const bytes = await readBody(request.body, { most_bytes, most_milliseconds: BODY_MILLISECONDS, reservation })
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw invalid('The body of the request is not UTF-8.', null, null)
  }
}
