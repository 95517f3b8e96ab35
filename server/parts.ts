/** What `assemble` needs to make a server. */
import type { OidcSettings } from '../admin/oidc/oidc-settings.ts'
import type { Mailer } from '../admin/mailer.ts'
import type { Database } from '../database/types.ts'
import type { Limits } from '../gateway/body-reading.ts'
import type { Warn } from '../gateway/meter/meter-warnings.ts'
import type { Upgrade } from '../gateway/model-request.ts'
import type { PresentedBy } from '../gateway/policies/client-certificates.ts'
import type { Policy } from '../gateway/policies/policy.ts'
import type { GatewayConfig } from '../gateway/upstream-config.ts'
import type { BodyLimits } from '../http/body-budget.ts'
import type { AllowedOrigins } from '../http/cors.ts'
import type { OriginsOf } from '../http/own-pages.ts'
import type { RequestLine } from '../http/request-line.ts'
import type { Peppers } from '../keys/digest.ts'
import type { KnownKeys } from '../keys/key-mac.ts'
import type { KeptDays } from '../ledger/usage-pruner.ts'
import type { ConsoleOptions } from './console-pages.ts'
import type { World } from '../world/world.ts'

export interface Parts {
  database: Database
  /** Those that are accepted, the current one first. */
  peppers: Peppers
  world: World
  /** How many living keys are held in memory. */
  cachedKeys: number
  /** How long keys in memory are valid without the database. */
  leaseMilliseconds: number
  /** Where model requests go; null for nowhere. */
  upstreams: GatewayConfig | null
  /** Rules about model requests beside those of every server. */
  policies?: readonly Policy[]
  /** How people sign in at an issuer; null where they do not. */
  oidc?: OidcSettings | null
  /** How people reach this server from outside, if the operator said so. */
  publicUrl?: string | null
  /** Hosts of issuers that may have private addresses, and may use http. */
  issuerHosts?: ReadonlySet<string>
  /** Null where no mail server is set. */
  mail?: Mailer | null
  /** Writes revocations to the revocations file. */
  keepRevocations?: () => Promise<void>
  /** Called when a revocation was applied, of this server or of another. */
  onRevoked?: () => void
  /**
   * Whether the revocations file says that a key is deleted, or was changed after this version of
   * its row.
   */
  isRevoked?: KnownKeys['isRevoked']
  limits?: Partial<Limits>
  /** Pages of these origins may call the gateway; null for none. */
  corsOrigins?: AllowedOrigins | null
  /** How much memory request bodies may take. */
  bodyLimits?: Partial<BodyLimits>
  /** The pages of the console; without it they are left out. */
  console?: ConsoleOptions | null
  log: (line: RequestLine) => void
  addressOf: (request: Request) => string | null
  /** The origins of pages of this server; without it nobody can sign in. */
  originsOf?: OriginsOf
  /** The client certificate that came with a request; without it, none ever does. */
  presentedBy?: PresentedBy | undefined
  idleLimit?: (request: Request, seconds: number) => void
  /** Makes a WebSocket of a request; without it there are none. */
  upgrade?: Upgrade
  /** How long a stream is read on after its client has left. */
  drainMilliseconds?: number
  /** For how long usage by the minute and by the hour is kept. */
  keptDays?: KeptDays
  /** Called for errors that happened outside a request. */
  onError: (what: string, error: unknown) => void
  /** What an operator may want to know. */
  warn?: Warn
}
