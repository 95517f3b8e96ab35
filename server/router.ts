/**
 * Which part of the server answers a request: by its path, and by the listener that it came in on.
 */
import { metricsOnlyLocal, type ApiError } from '../contract/errors.ts'
import { isForGateway, isKnownArea } from '../gateway/target.ts'
import { beginExchange, failure, respond, type Reporting } from '../http/respond.ts'
import { unknownPath } from '../http/unknown-path.ts'
import { hasWrongHost, loggablePath, rawPath, startOfPath } from '../http/url.ts'

export type Handler = (request: Request) => Response | Promise<Response>

/**
 * The parts that can have a listener of their own. `/verify` belongs to the gateway; every listener
 * answers `/health`, `/livez` and `/readyz`.
 */
export const parts = ['admin', 'gateway', 'metrics'] as const
export type Part = (typeof parts)[number]

interface Routes {
  admin: Handler
  gateway: Handler
  verify: Handler
  /** The token endpoint; it belongs to administration and the gateway alike. */
  token: Handler
  metrics: Handler
  probes: { livez: Handler; readyz: Handler }
  /** The pages of the console; it belongs to administration. Null where it is left out. */
  console: Handler | null
  /** Whether a URL that is not below `/v1` is for the gateway. */
  isForGateway: (url: string) => boolean
}

export class Router {
  readonly #routes: Routes
  readonly #reporting: Reporting

  constructor(routes: Routes, reporting: Reporting) {
    this.#routes = routes
    this.#reporting = reporting
  }

  /** The handler of a listener that answers for these parts and refuses the others. */
  serving(served: readonly Part[], mayReadMetrics: (request: Request) => boolean = () => true): Handler {
    const { admin, gateway, verify, token, metrics, probes, console } = this.#routes
    const [hasAdmin, hasGateway, hasMetrics] = parts.map((part) => served.includes(part))
    const absent: Handler = (request) => this.#refuse(request, unknownPath(request.method, loggablePath(request.url)))
    return (request) => {
      if (hasWrongHost(request)) return admin(request)
      const { url } = request
      if (isAt('/oauth/token', url) || isAt('/v1/oauth/token', url))
        return hasAdmin || hasGateway ? token(request) : absent(request)
      // The gateway refuses an admin key with a 403 on the paths that it knows. For any other path
      // the answer is that it does not exist.
      if (isForGateway(url) && hasAdmin && hasAdminKey(request) && !isKnownArea(url)) return admin(request)
      if (isForGateway(url)) return hasGateway ? gateway(request) : absent(request)
      if (isAt('/verify', url)) return hasGateway ? verify(request) : absent(request)
      if (isAt('/metrics', url)) {
        if (!hasMetrics) return absent(request)
        return mayReadMetrics(request) ? metrics(request) : this.#refuse(request, metricsOnlyLocal())
      }
      if (rawPath(url) === '/livez') return probes.livez(request)
      if (rawPath(url) === '/readyz') return probes.readyz(request)
      if (isOfSignIn(url)) return hasAdmin ? admin(request) : absent(request)
      if (isAt('/console', url)) return hasAdmin && console ? console(request) : absent(request)
      if (this.#routes.isForGateway(url)) return hasGateway ? gateway(request) : absent(request)
      return hasAdmin || isAt('/health', url) || rawPath(url) === '/' ? admin(request) : absent(request)
    }
  }

  #refuse(request: Request, error: ApiError): Response {
    const exchange = beginExchange('admin', request, this.#reporting)
    return respond(exchange, failure(exchange, error))
  }
}

const hasAdminKey = ({ headers }: Request) => /^bearer +sk-admin-/i.test(headers.get('authorization') ?? '')

/** What signing in needs beside pages. */
const isOfSignIn = (url: string) => isAt('/console/oidc', url) || isAt('/console/sign-in-methods.json', url)

/** Whether a URL is for a path or for something below it. */
function isAt(path: string, url: string) {
  const start = startOfPath(url)
  if (!url.startsWith(path, start)) return false
  const next = url[start + path.length]
  return next === undefined || next === '/' || next === '?'
}
