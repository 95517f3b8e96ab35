/** Who calls the gateway: answered from memory, strictly, and asked of storage on a miss. And `/verify`, the same for other proxies. */
import {
  ApiError,
  forbiddenInProject,
  incorrectProjectKey,
  internal,
  invalid,
  unauthenticated,
} from '../contract/errors.ts'
import type { Database } from '../database/open.ts'
import { answerHeaders, errorBody, pathOf, searchOf } from '../http/answer.ts'
import type { RequestLine } from '../http/request-line.ts'
import { KeyCache } from '../keys/cache.ts'
import { digestName } from '../keys/digest.ts'
import { holdsKey, mask, parseKey } from '../keys/format.ts'
import type { LastUsed } from '../keys/last-used.ts'
import { projectKeyReader, type ProjectKey } from '../keys/project-keys.ts'
import { newRequestId } from '../keys/random.ts'
import type { Revocations } from '../keys/revocations.ts'
import { isPossible, type KeyRing } from '../keys/ring.ts'
import { bearer, verifyAdminKey } from '../keys/verify.ts'
import { seconds, type World } from '../keys/world.ts'
import type { Authorize, ProjectCaller } from './caller.ts'

export interface VerifyContext {
  database: Database
  keys: KeyRing
  lastUsed: LastUsed
  world: World
  cache: KeyCache
  revocations: Pick<Revocations, 'leased' | 'renew' | 'poll'>
}

/** The memory of living keys, which `Revocations` is to tell what to forget. `most` is how many it holds. */
export const keyCache = (database: Database, world: World, most: number) =>
  new KeyCache(projectKeyReader(database.read, world), most)

/**
 * The decision about one Authorization header. Answers at once when memory knows the key; throws ApiError: 401 for what opens nothing, 403
 * for a living key without access or permission, 503 when memory is too old and storage does not answer.
 */
export function authorizeFrom(context: VerifyContext): Authorize {
  const { database, keys, lastUsed, world, cache, revocations } = context

  function allow(key: ProjectKey, needed: string, token: string) {
    const now = seconds(world)
    if (key.expires_at !== null && key.expires_at <= now) throw incorrectProjectKey(mask(token))
    if (!key.has_access || !(needed === '' || key.permissions.has(needed)))
      throw forbiddenInProject(needed || 'api.model.request')
    lastUsed.note('api_keys', key, now)
    return key
  }

  async function ask(token: string, name: string, needed: string) {
    await revocations.renew()
    const key = cache.get(name) ?? (await cache.read(name))
    if (key) return allow(key, needed, token)
    keys.unknown.add(name)
    throw incorrectProjectKey(mask(token))
  }

  return (authorization, needed) => {
    const token = bearer(authorization)
    const parsed = parseKey(token)
    // Admin keys are for administration: a living one is told so, any other learns nothing.
    if (parsed?.kind === 'admin')
      return verifyAdminKey(database.read, keys, authorization, seconds(world)).then(() => {
        throw forbiddenInProject(needed || 'api.model.request')
      })
    if (!parsed?.checked) throw incorrectProjectKey(mask(token))
    const name = digestName(keys.pepper, token)
    if (revocations.leased) {
      const key = cache.get(name)
      if (key) return allow(key, needed, token)
    }
    if (!isPossible(keys, token, parsed, name)) throw incorrectProjectKey(mask(token))
    return ask(token, name, needed)
  }
}

export interface VerifyOptions {
  log?: (line: RequestLine) => void
  addressOf?: (request: Request) => string | null
}

const ACCEPTED = JSON.stringify({ status: 'ok' })

/**
 * `/verify` and any path below it, any method: the decision from the Authorization header alone, for nginx, Caddy, Traefik, Envoy, HAProxy
 * and whoever else asks before forwarding. `?scope=api.files.read` asks for that permission as well.
 */
export function verifyEndpoint(
  authorize: Authorize,
  world: World,
  { log, addressOf = () => null }: VerifyOptions = {},
): (request: Request) => Response | Promise<Response> {
  function answer(request: Request, began: number, caller: ProjectCaller | null, thrown?: unknown) {
    const request_id = newRequestId(world)
    const error = caller ? null : thrown instanceof ApiError ? thrown : internal(request_id)
    const status = error?.status ?? 200
    const milliseconds = performance.now() - began
    log?.({
      request_id,
      half: 'verify',
      method: request.method,
      path: pathOf(request.url),
      operation: 'verify',
      status,
      milliseconds,
      organization_id: caller?.organization_id ?? null,
      project_id: caller?.project_id ?? null,
      key_id: caller?.key_id ?? null,
      // Asking the socket costs as much as half of all this; whoever is let in is told apart by the key.
      ip_address: error && addressOf(request),
      cause: status >= 500 ? thrown : undefined,
    })
    const headers = answerHeaders(request_id, milliseconds)
    if (caller) {
      headers['x-keyhall-organization-id'] = caller.organization_id
      headers['x-keyhall-project-id'] = caller.project_id
      headers['x-keyhall-key-id'] = caller.key_id
      headers['x-keyhall-owner-type'] = caller.owner_type
      headers['x-keyhall-owner-id'] = caller.owner_id
      headers['x-keyhall-scopes'] = caller.scopes
    }
    return new Response(error ? JSON.stringify(errorBody(error)) : ACCEPTED, { status, headers })
  }

  return (request) => {
    const began = performance.now()
    try {
      const decided = authorize(request.headers.get('authorization'), neededBy(request.url))
      if (!(decided instanceof Promise)) return answer(request, began, decided)
      return decided.then(
        (caller) => answer(request, began, caller),
        (error: unknown) => answer(request, began, null, error),
      )
    } catch (error) {
      return answer(request, began, null, error)
    }
  }
}

/** The permission that the question names; none if it only asks whose the key is. */
function neededBy(url: string): string {
  const search = searchOf(url)
  if (search === '') return ''
  if (holdsKey(search)) throw unauthenticated()
  const needed = new URLSearchParams(search).get('scope') ?? ''
  if (needed !== '' && !/^api(\.[a-z_]+)+$/.test(needed))
    throw invalid(`Invalid value: '${needed}'. A scope looks like 'api.model.request'.`, 'scope')
  return needed
}
