/**
 * The decision about the key in an Authorization header: whose it is, from memory or on a miss from
 * storage, and whether the policies permit what it is shown for.
 */
import { ApiError, forbiddenInProject, incorrectProjectKey } from '../contract/errors.ts'
import type { Database } from '../database/types.ts'
import { requireAllowed } from '../keys/allowed-networks.ts'
import { KeyCache } from '../keys/cache.ts'
import { latin1Digest, previousDigests } from '../keys/digest.ts'
import { mask, parseKey, type KeyKind } from '../keys/format.ts'
import type { LastUsed } from '../keys/last-used.ts'
import { accessTokenReader } from '../keys/read-access-token.ts'
import { projectKeyReader } from '../keys/read-project-key.ts'
import { isPossible, type KeyRing } from '../keys/ring.ts'
import { bearer, verifyAdminKey } from '../keys/verify-admin-key.ts'
import type { Revocations } from '../revocation/revocations.ts'
import { seconds, type World } from '../world/world.ts'
import type { Authorized, Authorizer, ProjectCaller, Wanted } from './caller.ts'
import type { Policies } from './policies/policies.ts'

export interface VerifyContext {
  database: Database
  keys: KeyRing
  lastUsed: LastUsed
  world: World
  cache: KeyCache
  revocations: Pick<Revocations, 'leased' | 'renew' | 'poll'>
}

/**
 * The living keys in memory; `Revocations` tells it what to forget. `most` is how many it holds.
 */
export function keyCache(database: Database, keys: KeyRing, world: World, most: number) {
  const readKey = projectKeyReader(database.read, keys, world)
  const readToken = accessTokenReader(database.read, keys, world)
  return new KeyCache((digests, kind) => (kind === 'access' ? readToken(digests) : readKey(digests)), most)
}

export class KeyAuthorizer implements Authorizer {
  readonly #context: VerifyContext
  readonly #policies: Policies
  readonly #addressOf: (request: Request) => string | null
  /** How the decisions came out; those that were taken again are not counted. */
  readonly outcomes = { accepted: 0, refused: 0, forbidden: 0, unavailable: 0 }

  /** How often an access token of a workload was accepted. */
  accessTokensUsed = 0

  constructor(context: VerifyContext, policies: Policies, addressOf: (request: Request) => string | null) {
    this.#context = context
    this.#policies = policies
    this.#addressOf = addressOf
  }

  authorize(authorization: string | null, wanted: Wanted, request: Request): Authorized | Promise<Authorized> {
    try {
      const decided = this.#decide(authorization, wanted, request)
      return decided instanceof Promise ? decided.then(this.#accepted, this.#refused) : this.#accepted(decided)
    } catch (error) {
      return this.#refused(error)
    }
  }

  authorizeAgain(authorized: Authorized, authorization: string | null, wanted: Wanted, request: Request) {
    if (!this.isCurrent(authorized)) return this.#decide(authorization, wanted, request)
    this.#policies.permit(authorized.caller, wanted)
    return authorized
  }

  isCurrent({ caller, digest }: Authorized) {
    const { cache, revocations, world } = this.#context
    return revocations.leased && cache.holds(digest, caller) && !hasExpired(caller, world)
  }

  canTell() {
    return this.#context.revocations.leased
  }

  /** No promise where memory knows the key: it would cost as much as the decision. */
  #decide(authorization: string | null, wanted: Wanted, request: Request): Authorized | Promise<Authorized> {
    const { keys, cache, revocations } = this.#context
    const token = bearer(authorization)
    const parsed = parseKey(token)
    // Admin keys are for administration: a living one is told so, any other learns nothing.
    if (parsed?.kind === 'admin') return this.#refuseAdminKey(authorization, wanted, request)
    if (!parsed?.checked) throw incorrectProjectKey(mask(token))
    const digest = latin1Digest(keys.pepper, token)
    const caller = revocations.leased ? cache.get(digest) : undefined
    if (caller) return this.#permit({ caller, digest }, wanted, token, request)
    if (!isPossible(keys, token, parsed, digest)) throw incorrectProjectKey(mask(token))
    return this.#read({ token, digest, kind: parsed.kind }, wanted, request)
  }

  async #refuseAdminKey(authorization: string | null, wanted: Wanted, request: Request): Promise<never> {
    const { database, keys, world } = this.#context
    await verifyAdminKey(database.read, keys, { authorization, ip_address: this.#addressOf(request) }, seconds(world))
    throw forbiddenInProject(wanted.permission || 'api.model.request')
  }

  async #read(
    { token, digest, kind }: { token: string; digest: string; kind: KeyKind },
    wanted: Wanted,
    request: Request,
  ) {
    const { keys, cache, revocations } = this.#context
    for (;;) {
      await revocations.renew()
      const caller = cache.get(digest) ?? (await cache.read(digest, previousDigests(keys.peppers, token), kind))
      if (!caller) break
      // When the lease ended during the read, others did not wait until this process knew what they
      // revoked. With a new lease it knows.
      if (revocations.leased) return this.#permit({ caller, digest }, wanted, token, request)
    }
    keys.unknown.add(digest)
    throw incorrectProjectKey(mask(token))
  }

  #permit(authorized: Authorized, wanted: Wanted, token: string, request: Request): Authorized {
    const { lastUsed, world } = this.#context
    const { caller } = authorized
    if (hasExpired(caller, world)) throw incorrectProjectKey(mask(token))
    const { networks } = caller.limits
    if (networks !== null) requireAllowed(networks, this.#addressOf(request))
    this.#policies.permit(caller, wanted)
    if (caller.rule_id === undefined) lastUsed.note('api_keys', caller, seconds(world))
    else this.accessTokensUsed++
    return authorized
  }

  readonly #accepted = (authorized: Authorized) => {
    this.outcomes.accepted++
    return authorized
  }

  readonly #refused = (error: unknown): never => {
    const status = error instanceof ApiError ? error.status : 500
    this.outcomes[status === 401 ? 'refused' : status === 403 ? 'forbidden' : 'unavailable']++
    throw error
  }
}

const hasExpired = ({ expires_at }: ProjectCaller, world: World) => expires_at !== null && expires_at <= seconds(world)
