/**
 * The keys of issuers: uploaded, or found by OpenID Connect Discovery and remembered. An unknown
 * key id makes them be asked for again, because issuers rotate their keys; but however many tokens
 * arrive, an issuer is asked at most once in ten seconds.
 */
import type { JSONWebKeySet } from 'jose'
import type { IdentityProviderRow } from '../../database/identity-tables.ts'
import { between, longAgo, momentOf, type Moment } from '../../world/moment.ts'
import type { World } from '../../world/world.ts'
import { fetchDocument, Unfetchable, type MayFetchFrom } from '../shared/fetch-document.ts'
import { usableKeys } from './jwks.ts'

const MINUTE = 60_000
/** How long keys are used without asking for newer ones. */
const FRESH_MILLISECONDS = 10 * MINUTE
/** How long they are used while the issuer does not answer. */
const KEPT_MILLISECONDS = 60 * MINUTE
const BETWEEN_QUESTIONS_MILLISECONDS = 10_000
const MOST_ISSUERS = 500

interface Issuer {
  keys: JSONWebKeySet | null
  /** When the keys were asked for that were read last. */
  readAt: Moment
  askedAt: Moment
  failure: Unfetchable | null
  asking: Promise<void> | null
}

export class IssuerKeys {
  readonly #world: World
  readonly #hosts: MayFetchFrom
  readonly #issuers = new Map<string, Issuer>()

  constructor(world: World, hosts: MayFetchFrom) {
    this.#world = world
    this.#hosts = hosts
  }

  /** The keys that may have signed a token with this key id. Throws Unfetchable. */
  async keysFor({ issuer, verification }: Pick<IdentityProviderRow, 'issuer' | 'verification'>, kid: string) {
    const source = JSON.parse(verification) as { jwks?: unknown; discovery_url?: string | null }
    if (source.jwks !== undefined) return usableKeys(source.jwks) ?? { keys: [] }
    const url = source.discovery_url ?? `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
    const known = this.#issuer(`${issuer}\n${url}`)
    const now = momentOf(this.#world)
    const isKnown = known.keys?.keys.some((key) => key.kid === kid) === true
    if (isKnown && between(known.readAt, now) < FRESH_MILLISECONDS) return known.keys!
    if (between(known.askedAt, now) >= BETWEEN_QUESTIONS_MILLISECONDS) {
      known.askedAt = now
      known.asking = this.#ask(known, issuer, url).finally(() => (known.asking = null))
    }
    await known.asking
    // The machine may have slept meanwhile.
    if (known.keys && between(known.readAt, momentOf(this.#world)) < KEPT_MILLISECONDS) return known.keys
    throw known.failure ?? new Unfetchable(`${url} could not be reached.`)
  }

  #issuer(name: string): Issuer {
    let known = this.#issuers.get(name)
    if (!known) {
      if (this.#issuers.size >= MOST_ISSUERS) this.#issuers.delete(this.#issuers.keys().next().value!)
      known = { keys: null, readAt: longAgo, askedAt: longAgo, failure: null, asking: null }
      this.#issuers.set(name, known)
    }
    return known
  }

  async #ask(known: Issuer, issuer: string, url: string): Promise<void> {
    const { askedAt } = known
    try {
      known.keys = await discover(this.#world, this.#hosts, issuer, url)
      known.readAt = askedAt
      known.failure = null
    } catch (error) {
      if (!(error instanceof Unfetchable)) throw error
      known.failure = error
    }
  }
}

async function discover(world: World, hosts: MayFetchFrom, issuer: string, url: string): Promise<JSONWebKeySet> {
  const document = (await fetchDocument(world, url, hosts)) as { issuer?: unknown; jwks_uri?: unknown } | null
  // Otherwise one issuer could hand out the keys of another.
  if (document?.issuer !== issuer) throw new Unfetchable(`${url} is the document of another issuer.`)
  if (typeof document.jwks_uri !== 'string') throw new Unfetchable(`${url} names no jwks_uri.`)
  const keys = usableKeys(await fetchDocument(world, document.jwks_uri, hosts))
  if (!keys) throw new Unfetchable(`${document.jwks_uri} is no key set.`)
  return keys
}
