/**
 * What metering needs beside the ledger: the tokenizer, the watch for results that come later,
 * counts and warnings.
 */
import type { Database } from '../database/types.ts'
import { askUpstream } from '../gateway/ask-upstream.ts'
import type { Gateway } from '../gateway/gateway-app.ts'
import type { ModelBook } from '../gateway/meter/model-book.ts'
import { MeterWarnings, type Warn } from '../gateway/meter/meter-warnings.ts'
import { LimitRefusals } from '../gateway/meter/refusal-counts.ts'
import { ResultWatch } from '../gateway/meter/result-watch.ts'
import { RefusedMembers } from '../gateway/meter/refused-members.ts'
import type { MeteringContext } from '../gateway/policies/metering.ts'
import { DeferredRequests } from '../ledger/deferred-requests.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { World } from '../world/world.ts'
import { WorkerTokenCounter } from './token-counter.ts'

const RESULT_WITHIN_MILLISECONDS = 30_000

interface Parts {
  database: Database
  ledger: Ledger
  world: World
  models: () => ModelBook
  gateway: () => Gateway
  warn?: Warn
  onError: (what: string, error: unknown) => void
}

export interface Meter {
  context: MeteringContext
  start: () => void
  stop: () => Promise<void>
}

export function openMeter({ database, ledger, world, models, gateway, warn = () => {}, onError }: Parts): Meter {
  const tokens = new WorkerTokenCounter((cause) => onError('Tokens could not be counted; they are estimated.', cause))
  const warnings = new MeterWarnings(warn, world)
  const results = new ResultWatch({
    requests: new DeferredRequests(database, ledger),
    warnings,
    ask: (name, path) => askForResult(world, gateway(), name, path),
    onError: (error) => onError('The result of a batch or a response could not be settled; tried again.', error),
  })
  const refusals = new LimitRefusals()
  const refusedMembers = new RefusedMembers(world)
  return {
    context: { ledger, models, world, tokens, warnings, results, refusals, refusedMembers },
    start: () => results.start(),
    async stop() {
      // What is being counted is estimated now, so that it is settled before the ledger is closed.
      tokens.stop()
      await results.stop()
    },
  }
}

async function askForResult(world: World, gateway: Gateway, name: string, path: string) {
  const upstream = gateway.upstream(name)
  if (!upstream) return null
  const signal = AbortSignal.timeout(RESULT_WITHIN_MILLISECONDS)
  const response = await askUpstream(world, upstream, path, signal)
  const body: unknown = await response.json().catch(() => null)
  return { status: response.status, body }
}
