/**
 * Cross-origin requests (the Fetch standard, 3.2): pages of the origins that the operator names may
 * call the gateway with a key and read its answers. There are no cookies here, so none are allowed.
 */
import { originNotAllowed } from '../contract/gateway-errors.ts'
import type { World } from '../world/world.ts'
import { newRequestId } from '../world/random.ts'

/** `*` is any origin. */
export type AllowedOrigins = ReadonlySet<string> | '*'

type Handler = (request: Request) => Response | Promise<Response>

/** Browsers keep the answer to a preflight so long; Chromium no longer than two hours. */
const KEPT_SECONDS = 600
const LONGEST_LIST = 4096

const ratelimits = ['requests', 'tokens'].flatMap((metric) =>
  ['limit', 'remaining', 'reset'].map((what) => `x-ratelimit-${what}-${metric}`),
)
/** What pages may read of an answer beside its content type and the like. */
const exposed = [
  'x-request-id',
  'retry-after',
  'retry-after-ms',
  'x-should-retry',
  'www-authenticate',
  'request-id',
  'content-disposition',
  'openai-model',
  'openai-organization',
  'openai-processing-ms',
  'openai-project',
  'openai-version',
  ...ratelimits,
].join(', ')

export class Cors {
  readonly #allowed: AllowedOrigins
  readonly #world: World
  /** Of preflights. They are in no log: a page sends one before each kind of request. */
  readonly counts = { allowed: 0, refused: 0 }

  constructor(allowed: AllowedOrigins, world: World) {
    this.#allowed = allowed
    this.#world = world
  }

  /** The handler with preflights answered before it, and its answers made readable for pages. */
  around(handler: Handler): Handler {
    return (request) => {
      const { headers, method } = request
      if (method === 'OPTIONS' && headers.has('access-control-request-method')) return this.#preflight(headers)
      const answer = handler(request)
      const origin = this.#allow(headers.get('origin'))
      return answer instanceof Promise
        ? answer.then((response) => this.#mark(response, origin))
        : this.#mark(answer, origin)
    }
  }

  /**
   * What stands in `Access-Control-Allow-Origin`; null where nothing does. Compared exactly, as
   * browsers do: two origins in one header are none, and so is `null`, which any sandboxed page
   * has.
   */
  #allow(origin: string | null): string | null {
    if (origin === null) return null
    if (this.#allowed === '*') return '*'
    return this.#allowed.has(origin) ? origin : null
  }

  #mark(response: Response, origin: string | null): Response {
    const { headers } = response
    // Also where the origin is refused or missing: a cache must not give this answer to a page.
    if (this.#allowed !== '*') headers.append('vary', 'Origin')
    if (origin === null) return response
    headers.set('access-control-allow-origin', origin)
    headers.set('access-control-expose-headers', exposed)
    return response
  }

  /** Reads no key and no body, and costs no more than this. */
  #preflight(given: Headers): Response {
    const origin = this.#allow(given.get('origin'))
    const headers: Record<string, string> = {
      'x-request-id': newRequestId(this.#world),
      vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
    }
    const wanted = given.get('access-control-request-headers') ?? ''
    if (origin === null || wanted.length > LONGEST_LIST || !/^[\w!#$%&'*+.^`|~, -]*$/.test(wanted)) {
      this.counts.refused++
      return Response.json(originNotAllowed().body, { status: 403, headers })
    }
    this.counts.allowed++
    headers['access-control-allow-origin'] = origin
    headers['access-control-allow-methods'] = 'GET, HEAD, POST, PUT, PATCH, DELETE'
    // A star would not stand for `authorization`.
    if (wanted !== '') headers['access-control-allow-headers'] = wanted
    headers['access-control-max-age'] = String(KEPT_SECONDS)
    return new Response(null, { status: 204, headers })
  }
}
