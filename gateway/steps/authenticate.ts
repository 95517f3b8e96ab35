/** First step: whose key it is, and whether it may be used for this path. */
import { ApiError } from '../../contract/errors.ts'
import { twoKeys } from '../../contract/gateway-errors.ts'
import { bearer } from '../../keys/verify-admin-key.ts'
import type { Authorized } from '../caller.ts'
import { credentialIn } from '../credential.ts'
import type { ModelRequest } from '../model-request.ts'
import { keyInProtocols } from '../sockets/upgrade.ts'

/**
 * Of a key that memory no longer holds, storage is asked at most this often: a tick is a tenth of a
 * second.
 */
const TICKS_BETWEEN_READS = 5

export function authenticate(call: ModelRequest): void | Promise<void> {
  const wanted = { permission: call.target.needed, model: undefined, request: call.request }
  const shown = credentialIn(call.headers)
  call.credential = call.isSocket ? onlyKey(shown, keyInProtocols(call.headers)) : shown
  const decided = call.gateway.authorizer.authorize(call.credential, wanted, call.request)
  return decided instanceof Promise ? decided.then((authorized) => keep(call, authorized)) : keep(call, decided)
}

/** A browser shows the key of a WebSocket among its sub-protocols; two that differ are refused. */
function onlyKey(shown: string | null, inProtocols: string | null): string | null {
  if (shown !== null && inProtocols !== null && bearer(shown) !== bearer(inProtocols)) throw twoKeys()
  return shown ?? inProtocols
}

function keep(call: ModelRequest, authorized: Authorized) {
  call.authorized = authorized
  const { line } = call.exchange
  line.organization_id = call.caller.organization_id
  line.project_id = call.caller.project_id
  line.key_id = call.caller.key_id
}

/**
 * Takes the decision again just before the request is forwarded: its key may have died while its
 * body was arriving, or while another upstream was asked. At once where nothing was revoked
 * meanwhile; throws as a new request would.
 */
export function authenticateAgain(call: ModelRequest): void | Promise<void> {
  const { authorizer } = call.gateway
  const decided = authorizer.authorizeAgain(call.authorized!, call.credential, call.wanted, call.request)
  if (!(decided instanceof Promise)) {
    call.authorized = decided
    return
  }
  return decided.then((authorized) => {
    call.authorized = authorized
  })
}

/**
 * From here on until the request ends, each tick of the deadlines looks at the key, and `onRevoked`
 * is called once with the error of a new request if it died, or when the server stops. While
 * storage does not answer nobody can tell, and the request goes on.
 */
export function watchKey(call: ModelRequest, onRevoked: (error: ApiError) => void) {
  const { authorizer } = call.gateway
  let pause = 0
  call.deadline.onStop = onRevoked
  call.deadline.onTick = () => {
    if (pause-- > 0 || authorizer.isCurrent(call.authorized!) || !authorizer.canTell()) return
    pause = TICKS_BETWEEN_READS
    // Asynchronous also where it is decided at once, so that what is thrown arrives in one place.
    void (async () => authenticateAgain(call))().catch((error: unknown) => {
      const isDead = error instanceof ApiError && error.status < 500
      if (!isDead || call.deadline.onTick === null) return
      call.deadline.onTick = null
      onRevoked(error)
    })
  }
}
