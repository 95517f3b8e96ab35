/**
 * `POST /oauth/token`, also below `/v1`: exchanges the identity token of a workload for an access
 * token (RFC 8693). It needs no key; its body may take little memory.
 */
import { invalid, unknownRoute, wrongMethod } from '../../contract/errors.ts'
import { BodyBudget } from '../../http/body-budget.ts'
import { readBody } from '../../http/bounded-body.ts'
import { beginExchange, respond, type Exchange, type Reporting } from '../../http/respond.ts'
import { loggablePath, rawPath } from '../../http/url.ts'
import { maskEncodedKeys } from '../../keys/format.ts'
import { oauthError } from './oauth-error.ts'
import { exchangeToken, type ExchangeContext } from './token-exchange.ts'
import { readTokenRequest } from './token-request.ts'

const LARGEST_BODY = 32 * 1024
const BODY_MILLISECONDS = 10_000

export interface TokenEndpointOptions {
  log?: Reporting['log']
  addressOf?: (request: Request) => string | null
  bodies?: BodyBudget
}

export class TokenEndpoint {
  readonly #context: ExchangeContext
  readonly #reporting: Reporting
  readonly #addressOf: (request: Request) => string | null
  readonly #bodies: BodyBudget
  /** How the exchanges came out. */
  readonly outcomes = { issued: 0, refused: 0, unavailable: 0 }

  constructor(
    context: ExchangeContext,
    { log, addressOf = () => null, bodies = new BodyBudget() }: TokenEndpointOptions,
  ) {
    this.#context = context
    this.#reporting = { world: context.world, log }
    this.#addressOf = addressOf
    this.#bodies = bodies
  }

  readonly fetch = async (request: Request): Promise<Response> => {
    const exchange = beginExchange('admin', request, this.#reporting, { operation: 'oauth.token' })
    exchange.line.ip_address = this.#addressOf(request)
    try {
      const body = await this.#issue(request, exchange)
      this.outcomes.issued++
      return respond(exchange, { body })
    } catch (thrown) {
      return this.#refuse(exchange, thrown)
    }
  }

  async #issue(request: Request, { line }: Exchange) {
    const shown = loggablePath(request.url)
    if (!/^(\/v1)?\/oauth\/token$/.test(rawPath(request.url))) throw unknownRoute(request.method, shown)
    if (request.method !== 'POST') throw wrongMethod(request.method, shown, 'POST')
    const asked = readTokenRequest(request.headers.get('content-type'), await this.#read(request))
    const user_agent = request.headers.get('user-agent')
    const issued = await exchangeToken(this.#context, asked, {
      ip_address: line.ip_address,
      user_agent: user_agent && maskEncodedKeys(user_agent),
    })
    line.organization_id = issued.organization_id
    line.project_id = issued.project_id
    line.key_id = issued.id
    return {
      access_token: issued.value,
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      expires_in: issued.expires_in,
    }
  }

  async #read(request: Request): Promise<string> {
    if (request.body === null) return ''
    const reservation = this.#bodies.open(null)
    try {
      const bounds = { most_bytes: LARGEST_BODY, most_milliseconds: BODY_MILLISECONDS, reservation }
      return new TextDecoder('utf-8', { fatal: true }).decode(await readBody(request.body, bounds))
    } catch (error) {
      throw error instanceof TypeError ? invalid('The body of the request is not UTF-8.', null, null) : error
    } finally {
      reservation.release()
    }
  }

  #refuse(exchange: Exchange, thrown: unknown): Response {
    const error = oauthError(thrown, exchange.line.request_id)
    this.outcomes[error.status >= 500 || error.status === 429 ? 'unavailable' : 'refused']++
    if (error.status >= 500) exchange.line.cause = error.cause
    const headers = error.status === 405 ? { allow: 'POST' } : undefined
    return respond(exchange, {
      status: error.status,
      body: { error: error.code, error_description: error.message },
      headers,
    })
  }
}
