/**
 * Limits that change while a request waits for the database hold for it, with what they require.
 */
import { expect, test } from 'bun:test'
import type { ProjectCaller } from '../../gateway/caller.ts'
import { admit } from '../../gateway/meter/admit.ts'
import { CallWish, type CallContext } from '../../gateway/meter/call-wish.ts'
import { endpointOf, members, nested } from '../../gateway/meter/endpoints.ts'
import { ModelBook } from '../../gateway/meter/model-book.ts'
import { modelSettings } from '../../gateway/model-config.ts'
import { JsonBody } from '../../gateway/model-body.ts'
import type { PolicyRequest } from '../../gateway/policies/policy.ts'
import { scanJson, scanNames } from '../../gateway/scan-json.ts'
import { LimitsChanged } from '../../ledger/refusals.ts'
import { realWorld } from '../../world/world.ts'

const before = { limits: { spend: { organization: null, project: null }, models: null, rates: null } }
const after = { limits: { ...before.limits, spend: { organization: null, project: 1e9 } } }

/** A request that waits, and then is asked for anew under a spend limit. */
function meetsLimit(text: string): Promise<unknown> {
  const bytes = new Uint8Array(Buffer.from(text))
  const body = new JsonBody(bytes, scanJson(bytes, scanNames(members, nested)))
  const book = new ModelBook([modelSettings({ match: 'known', prices: [{ input: 1 }], context_tokens: 8 })], () => [])
  let asked = 0
  const ledger = { admit: () => Promise.reject(asked++ === 0 ? new LimitsChanged() : new Error('it was not refused')) }
  const context = { ledger, refusals: { count() {} }, models: () => book, world: realWorld }
  const request = {
    caller: before as unknown as ProjectCaller,
    model: body.model,
    endpoint: '/embeddings',
    readCallerAgain: () => after as unknown as ProjectCaller,
  }
  const [wished, endpoint] = [request as unknown as PolicyRequest, endpointOf('POST', '/embeddings')!]
  const wish = new CallWish(context as unknown as CallContext, wished, endpoint, body)
  return Promise.resolve(admit(context as unknown as CallContext, wished, wish))
}

test('a request that may go to other models is refused by a spend limit that is set while it waits', () =>
  expect(meetsLimit('{"model":"known","input":"","fallbacks":["other"]}')).rejects.toThrow("'fallbacks'"))

test('so is one that names no model', () => expect(meetsLimit('{"input":""}')).rejects.toThrow('model'))
