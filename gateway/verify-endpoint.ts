/**
 * `/verify` and any path below it, any method: the decision about the key in the headers alone,
 * for nginx, Caddy, Traefik, Envoy, HAProxy and whoever else asks before forwarding.
 * `?scope=api.files.read` asks for that permission too, `?model=NAME` whether the policies permit
 * that model.
 */
import { invalid, unauthenticated } from '../contract/errors.ts'
import type { RequestLine } from '../http/request-line.ts'
import { beginExchange, ClientLeft, failure, respond } from '../http/respond.ts'
import { searchOf } from '../http/url.ts'
import { holdsKey } from '../keys/format.ts'
import type { World } from '../world/world.ts'
import type { Authorized, Authorizer, ProjectCaller, Wanted } from './caller.ts'
import { credentialIn } from './credential.ts'
import { toRecord } from './headers.ts'
import type { Policies } from './policies/policies.ts'
import type { PolicyRequest } from './policies/policy.ts'
import type { Reservations } from './policies/reservations.ts'

export interface VerifyParts {
  authorizer: Authorizer
  policies: Policies
  world: World
}

export interface VerifyOptions {
  log?: (line: RequestLine) => void
  addressOf?: (request: Request) => string | null
}

const ACCEPTED = JSON.stringify({ status: 'ok' })

export function verifyEndpoint(
  { authorizer, policies, world }: VerifyParts,
  { log, addressOf = () => null }: VerifyOptions = {},
): (request: Request) => Response | Promise<Response> {
  const reporting = { world, log }

  return (request) => {
    const exchange = beginExchange('verify', request, reporting, { operation: 'verify' })
    const { line } = exchange
    const accept = ({ caller }: Authorized, taken: Reservations) => {
      line.organization_id = caller.organization_id
      line.project_id = caller.project_id
      line.key_id = caller.key_id
      const headers = headersOf(caller)
      taken.addHeaders(headers)
      taken.settle({ ended: 'verified', wasForwarded: false, status: null })
      return respond(exchange, { body: ACCEPTED, headers })
    }
    const refuse = (thrown: unknown) => {
      // Only here: asking the socket costs half as much as all the rest, and the key says who was
      // let in.
      line.ip_address = addressOf(request)
      const left = request.signal.aborted
      return respond(exchange, failure(exchange, left ? new ClientLeft() : thrown))
    }
    try {
      const wanted = wantedBy(request)
      const credential = credentialOf(request.headers)
      const reserve = (authorized: Authorized) => {
        const decideAgain = async () => authorizer.authorizeAgain(authorized, credential, wanted, request)
        const { method } = request
        const { request_id } = line
        const taken = policies.reserve(
          new VerifiedRequest({ caller: authorized.caller, wanted, method, request_id, decideAgain }),
        )
        return taken instanceof Promise
          ? taken.then((late) => acceptLate(accept, decideAgain, late))
          : accept(authorized, taken)
      }
      // No promise where memory knows the answer: it would cost as much as the decision.
      const decided = authorizer.authorize(credential, wanted, request)
      const answer = decided instanceof Promise ? decided.then(reserve) : reserve(decided)
      return answer instanceof Promise ? answer.catch(refuse) : answer
    } catch (error) {
      return refuse(error)
    }
  }
}

/** Decides again: the key may have died while the policies waited. */
async function acceptLate(
  accept: (authorized: Authorized, taken: Reservations) => Response,
  decideAgain: Verified['decideAgain'],
  taken: Reservations,
) {
  try {
    return accept(await decideAgain(), taken)
  } catch (error) {
    taken.settle({ ended: null, wasForwarded: false, status: null })
    throw error
  }
}

interface Verified {
  caller: ProjectCaller
  wanted: Wanted
  method: string
  request_id: string
  decideAgain: () => Promise<Authorized>
}

/** A request of which no more is known than its key. A class, because that costs less to make. */
class VerifiedRequest implements PolicyRequest {
  readonly component = 'verify'
  readonly operation = null
  readonly path = null
  readonly endpoint = null
  readonly body = null
  readonly isSocket = false
  readonly askUpstream = null
  readonly permitModel = null
  readonly caller: ProjectCaller
  readonly permission: string
  readonly model: string | null | undefined
  readonly request: Request
  readonly method: string
  readonly request_id: string
  readonly #decideAgain: Verified['decideAgain']

  constructor({ caller, wanted, method, request_id, decideAgain }: Verified) {
    this.caller = caller
    this.permission = wanted.permission
    this.model = wanted.model
    this.request = wanted.request
    this.method = method
    this.request_id = request_id
    this.#decideAgain = decideAgain
  }

  async readCallerAgain() {
    return (await this.#decideAgain()).caller
  }
}

/** Most have the one header alone, and asking for each costs as much as a look into memory. */
const credentialOf = (headers: Headers) =>
  headers.has('api-key') || headers.has('x-api-key') ? credentialIn(toRecord(headers)) : headers.get('authorization')

const headersOf = (caller: ProjectCaller): Record<string, string> => ({
  'x-keyhall-organization-id': caller.organization_id,
  'x-keyhall-project-id': caller.project_id,
  'x-keyhall-key-id': caller.key_id,
  'x-keyhall-owner-type': caller.owner_type,
  'x-keyhall-owner-id': caller.owner_id,
  'x-keyhall-scopes': caller.scopes,
})

/** The permission and the model that the query names, if it does. */
function wantedBy(request: Request): Wanted {
  const search = searchOf(request.url)
  if (search === '') return { permission: '', model: undefined, request }
  if (holdsKey(search)) throw unauthenticated()
  const query = new URLSearchParams(search)
  const permission = query.get('scope') ?? ''
  if (permission !== '' && !/^api(\.[a-z_]+)+$/.test(permission))
    throw invalid(`Invalid value: '${permission}'. A scope looks like 'api.model.request'.`, 'scope')
  return { permission, model: query.get('model') ?? undefined, request }
}
