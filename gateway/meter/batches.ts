/**
 * Meters batches. The input file is read before the batch is forwarded, because only the file shows
 * what the batch can use.
 */
import { requireNotStored } from '../policies/zero-retention.ts'
import { requireTools } from '../policies/hosted-tools.ts'
import { requireTier } from '../policies/service-tiers.ts'
import { invalid } from '../../contract/errors.ts'
import { UNLIMITED } from '../../contract/project-rate-limits.ts'
import type { Ask, WindowAsk } from '../../ledger/ask.ts'
import { DAY } from '../../ledger/window-state.ts'
import { seconds, type World } from '../../world/world.ts'
import type { ProjectCaller } from '../caller.ts'
import type { PolicyRequest, Reservation } from '../policies/policy.ts'
import { admit, type Admitting } from './admit.ts'
import { requireAnswers, requireMaxima } from './bound.ts'
import { BatchScan, type BatchInput } from './batch-input.ts'
import { hasSpendLimit, requireBound, requireModel, requireOneModel, seriesOf, whose } from './caller-limits.ts'
import { MeteredBatch } from './metered-batch.ts'
import type { ModelBook } from './model-book.ts'
import { parsedJson } from './parsed-json.ts'
import { dearest } from './price.ts'
import type { ResultWatch } from './result-watch.ts'
import { requireNoPrice } from './unmetered-calls.ts'
import { limitsOf } from './windows.ts'

interface BatchContext extends Admitting {
  models: () => ModelBook
  results: ResultWatch
  world: World
}

export async function reserveBatch(context: BatchContext, request: PolicyRequest): Promise<Reservation | null> {
  const input = await readInput(context, request)
  if (!input) return null
  const { model, endpoint, price, bound, missing } = input
  const row = context.models().rowOf(model)
  return admit(context, request, {
    ask: (caller): Ask => ({
      ...whose(caller),
      windows: windowsOf(limitsOf(caller, row).batch_1_day_max_input_tokens, row.key, input),
      limits: caller.limits.spend,
      ...requireBound(caller, price, bound, row.key, missing),
      series: { ...seriesOf(caller, endpoint.kind, model, price), batch: 1 },
    }),
    reservation: (admission) => new MeteredBatch(admission, input, context.results),
  })
}

function windowsOf(limit = UNLIMITED, limit_key: string, { input }: BatchInput): WindowAsk[] {
  return limit < UNLIMITED ? [{ limit_key, metric: 'batch_tokens_per_day', span: DAY, limit, units: input }] : []
}

/**
 * Null where there is nothing to meter. Throws 400 where the file cannot be read and a limit
 * depends on it.
 */
async function readInput({ models, world }: BatchContext, request: PolicyRequest): Promise<BatchInput | null> {
  const { caller } = request
  const file = textIn(request.body?.member('input_file_id'))
  const response = file === null ? null : await request.askUpstream!(`/files/${encodeURIComponent(file)}/content`)
  if (!response?.ok || !response.body) {
    await response?.body?.cancel()
    if (!dependsOnInput(caller, models())) return null
    throw invalid('The input file of the batch cannot be read, and limits depend on it.', 'input_file_id')
  }
  const named = textIn(request.body?.member('endpoint'))
  const dependsOnPath = hasSpendLimit(caller) || caller.limits.isZeroRetention
  const scan = new BatchScan(models(), seconds(world), {
    model: (model) => request.permitModel!(requireModel(caller, model)),
    body(body, path) {
      // Nobody knows which of them the upstream takes.
      if (dependsOnPath && named !== null && named.replace(/^\/v1/, '') !== path)
        throw invalid('Its path is not the one that the batch names as its `endpoint`.')
      requireOneModel(caller, body)
      requireNotStored(caller, body, path)
      requireTools(caller, body)
      requireTier(caller, body)
    },
    unmetered: (model) => requireNoPrice(caller, model, models(), seconds(world)),
    bound(body, endpoint, price) {
      if (!hasSpendLimit(caller)) return
      requireAnswers(body)
      if (dearest(price, price.batch).output > 0) requireMaxima(body, endpoint)
    },
  })
  for await (const piece of response.body as ReadableStream<Uint8Array>) scan.feed(piece)
  return scan.end()
}

function textIn(json: string | undefined): string | null {
  const text = json === undefined ? null : parsedJson(json)
  return typeof text === 'string' && text !== '' && text.isWellFormed() ? text : null
}

const dependsOnInput = (caller: ProjectCaller, models: ModelBook) =>
  caller.limits.models !== null ||
  caller.limits.toolsOff !== null ||
  caller.limits.tiers !== null ||
  caller.limits.isZeroRetention ||
  hasSpendLimit(caller) ||
  models.rows().some((row) => limitsOf(caller, row).batch_1_day_max_input_tokens !== undefined)
