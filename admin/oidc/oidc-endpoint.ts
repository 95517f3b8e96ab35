/**
 * `GET /console/oidc/start` sends the browser to the issuer; `GET /console/oidc/callback` is where
 * the issuer sends it back, with a code that is exchanged for who the person is.
 */
import { ApiError, unknownRoute, wrongMethod } from '../../contract/errors.ts'
import { signInNeedsTls } from '../../contract/session-errors.ts'
import { SESSION_SECONDS } from '../../contract/sessions.ts'
import { PageRequest, type OriginsOf } from '../../http/own-pages.ts'
import { beginExchange, respond, type Answer, type Exchange, type Reporting } from '../../http/respond.ts'
import { wireError } from '../../http/wire-error.ts'
import { loggablePath, rawPath, searchOf } from '../../http/url.ts'
import { maskEncodedKeys } from '../../keys/format.ts'
import { seconds } from '../../world/world.ts'
import type { AdminContext } from '../call.ts'
import { Pipeline } from '../pipeline.ts'
import { writeFailure } from '../sessions/write-failure.ts'
import { begunCookie, openBegun, sealBegun, sealedIn } from './begun-cookie.ts'
import type { Claims } from './claims.ts'
import { IssuerClient } from './issuer-client.ts'
import { signInInterrupted } from '../../contract/oidc-errors.ts'
import { oidcHandler, oidcSignIn } from './oidc-operation.ts'
import { failurePage, goOnPage } from './oidc-pages.ts'
import type { OidcSettings } from './oidc-settings.ts'
import { readReturnPath } from './return-path.ts'

export interface OidcOptions {
  log?: Reporting['log']
  addressOf?: (request: Request) => string | null
  originsOf?: OriginsOf
  /** How people reach this server from outside, if the operator said so. */
  publicUrl?: string | null
  warn?: (sentence: string, about: Record<string, unknown>) => void
}

interface Answered extends Answer {
  cookies: string[]
}

/** The settings at one time: who is signed in under them is judged by them. */
interface SigningIn {
  client: IssuerClient
  pipeline: Pipeline
}

export class OidcEndpoint {
  readonly #context: AdminContext
  readonly #options: Required<OidcOptions>
  #signingIn: SigningIn | null = null
  readonly #warned = new Set<string>()

  constructor(context: AdminContext, options: OidcOptions) {
    this.#context = context
    this.#options = {
      log: options.log ?? (() => {}),
      addressOf: options.addressOf ?? (() => null),
      originsOf: options.originsOf ?? (() => []),
      publicUrl: options.publicUrl ?? null,
      warn: options.warn ?? (() => {}),
    }
  }

  /** Takes settings as they are now; null where nobody signs in this way. */
  configure(settings: OidcSettings | null) {
    this.#signingIn = settings && {
      client: new IssuerClient(settings, this.#context.world, this.#context.mayFetchFrom),
      pipeline: new Pipeline(this.#context, oidcSignIn, oidcHandler(settings)),
    }
  }

  /** For the sign-in page. */
  get method(): { oidc: boolean; oidc_name: string | null } {
    return { oidc: this.#signingIn !== null, oidc_name: this.#signingIn?.client.settings.name ?? null }
  }

  readonly fetch = async (request: Request): Promise<Response> => {
    const { world } = this.#context
    const operation = `oidc.${rawPath(request.url).split('/').at(-1)}`
    const exchange = beginExchange('admin', request, { world, log: this.#options.log }, { operation })
    exchange.line.ip_address = this.#options.addressOf(request)
    const answered = await this.#answer(request, exchange)
    const response = respond(exchange, answered)
    for (const cookie of answered.cookies) response.headers.append('set-cookie', cookie)
    return response
  }

  async #answer(request: Request, exchange: Exchange): Promise<Answered> {
    const cookies: string[] = []
    try {
      const shown = loggablePath(request.url)
      const signingIn = this.#signingIn
      if (!signingIn) throw unknownRoute(request.method, shown)
      if (request.method !== 'GET') throw wrongMethod(request.method, shown, 'GET')
      const [origin] = this.#options.originsOf(request)
      if (origin === undefined) throw signInNeedsTls()
      if (exchange.line.operation === 'oidc.start') return await this.#start(request, signingIn.client, origin)
      cookies.push(begunCookie(origin, null))
      return await this.#callback(request, { signingIn, origin, exchange, cookies })
    } catch (thrown) {
      return this.#refuse(thrown, exchange, cookies)
    }
  }

  async #start(request: Request, client: IssuerClient, origin: string): Promise<Answered> {
    const prefix = this.#prefix(origin)
    const written = new URLSearchParams(searchOf(request.url)).get('return_to')
    const return_to = readReturnPath(written, prefix)
    const { url, begun } = await client.begin(`${origin}${prefix}/console/oidc/callback`)
    const { keys, world } = this.#context
    const sealed = await sealBegun(keys.pepper, { ...begun, return_to }, seconds(world))
    const headers = { location: url, 'referrer-policy': 'no-referrer' }
    return { status: 303, body: null, headers, cookies: [begunCookie(origin, sealed)] }
  }

  /** The path of the public address, below which a proxy serves Keyhall; mostly none. */
  #prefix(origin: string): string {
    const url = this.#options.publicUrl === null ? null : new URL(this.#options.publicUrl)
    return url?.origin === origin ? url.pathname.replace(/\/$/, '') : ''
  }

  async #callback(
    request: Request,
    {
      signingIn,
      origin,
      exchange,
      cookies,
    }: { signingIn: SigningIn; origin: string; exchange: Exchange; cookies: string[] },
  ): Promise<Answered> {
    // Not counted: the page of somebody else can make a browser ask for this, but not with the
    // cookie.
    const begun = await this.#readBegun(request, signingIn.client, origin)
    const { ip_address } = exchange.line
    const user_agent = maskEncodedKeys(request.headers.get('user-agent') ?? '') || null
    const attempt = { context: this.#context, ip_address, user_agent }
    const takeBack = this.#context.signIns.begin(ip_address, 'oidc')
    try {
      const claims = await signingIn.client.finish(searchOf(request.url), begun)
      if (!this.#signingIn) throw signInInterrupted()
      const { caller, session } = await this.#signIn(signingIn.pipeline, claims, attempt)
      takeBack()
      this.#context.signIns.count('oidc', 'succeeded')
      exchange.line.organization_id = caller.organization_id
      const token = new PageRequest(request, this.#options.originsOf).setCookie(session!, SESSION_SECONDS)
      return { ...goOnPage(begun.return_to), cookies: [...cookies, token] }
    } catch (error) {
      if (error instanceof ApiError && error.status < 500) {
        this.#context.signIns.count('oidc', 'failed')
        await writeFailure(attempt, error)
      } else takeBack()
      throw error
    }
  }

  async #readBegun(request: Request, { settings }: IssuerClient, origin: string) {
    const { keys, world } = this.#context
    const sealed = sealedIn(request, origin)
    const begun = sealed === null ? undefined : await openBegun(keys.peppers, sealed, seconds(world))
    const state = new URLSearchParams(searchOf(request.url)).get('state')
    if (!begun || begun.issuer !== settings.issuer || begun.state !== state) throw signInInterrupted()
    return begun
  }

  async #signIn(
    pipeline: Pipeline,
    claims: Claims,
    { ip_address, user_agent }: { ip_address: string | null; user_agent: string | null },
  ) {
    const result = await pipeline.run({
      authorization: null,
      session: null,
      organization: null,
      params: {},
      search: '',
      ip_address,
      user_agent,
      requireSignIn: () => {},
      readBody: async () => JSON.stringify(claims),
    })
    const { unknown_groups } = result.body as { unknown_groups: string[] }
    for (const group of unknown_groups) this.#warnOfGroup(group)
    return result
  }

  #warnOfGroup(group: string) {
    if (this.#warned.has(group)) return
    this.#warned.add(group)
    this.#options.warn('The settings of sign-in name a group that the organization does not have.', { group })
  }

  #refuse(thrown: unknown, { line }: Exchange, cookies: string[]): Answered {
    const error = wireError(thrown, line.request_id)
    if (error.isOfStorage) line.storage_error = error.code
    if (error.status >= 500) line.cause = error.cause ?? thrown
    const { body, headers } = failurePage(error.message)
    return { status: error.status, body, headers: { ...error.headers, ...headers }, cookies }
  }
}
