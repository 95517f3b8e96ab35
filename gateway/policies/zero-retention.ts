/**
 * Under zero data retention a request has nothing stored by the model server: `store` is false
 * whatever the request says, and what only works with storing is refused.
 */
import { needsStoring } from '../../contract/limit-errors.ts'
import type { ProjectCaller } from '../caller.ts'
import type { ModelBody } from '../model-body.ts'
import { endpointOf } from '../meter/endpoints.ts'
import { isOff } from '../meter/named-numbers.ts'
import { scanJson, scanNames } from '../scan-json.ts'
import { hasBody } from '../request-methods.ts'
import type { Policy } from './policy.ts'

export const storeMembers = ['store', 'background', 'conversation'] as const

/** The paths that take `store`, whose upstream may store where it is left out. */
const STORING = ['/chat/completions', '/responses']
/** What a request below these paths stores is all that it is for. */
const KEEPING = /^\/(conversations|threads)(\/|$)/
/** Live sessions name `store` inside of their session. */
const LIVE = /^\/live\//

export const zeroRetention: Policy = {
  name: 'zero retention',
  withoutModel: 'applies',
  members: storeMembers,
  fields: [],
  reserve({ caller, body, method, endpoint }) {
    if (caller.limits.isZeroRetention && body !== null && hasBody(method)) keepNothing(caller, body, endpoint ?? '')
    return null
  },
}

function keepNothing({ project_id }: ProjectCaller, body: ModelBody, endpoint: string) {
  if (KEEPING.test(endpoint)) throw needsStoring(project_id, null)
  if (LIVE.test(endpoint) && mayStoreSession(body)) throw needsStoring(project_id, 'store')
  if (body.kind !== 'json') {
    // What cannot be changed is not believed, whatever an upstream would read in it.
    if (body.kind !== 'none' && STORING.includes(endpoint)) throw needsStoring(project_id, 'store')
    return
  }
  if (endpoint === '/responses') requireNothingKept(project_id, body)
  if (body.member('store') !== undefined || STORING.includes(endpoint)) body.set('store', 'false')
}

/**
 * Throws 403 for the line of a batch that would be stored. Its `store` must say so itself where the
 * upstream stores by default, because the file is the upstream's and cannot be changed. `path` is
 * below `/v1`, as the line has it; one that nobody knows is taken for that of a response.
 */
export function requireNotStored({ project_id, limits }: ProjectCaller, body: ModelBody, path: string) {
  if (!limits.isZeroRetention) return
  const endpoint = endpointOf('POST', path)
  const isResponse = endpoint === null || endpoint.isResponses
  const store = body.member('store')
  if (store === undefined ? isResponse : store !== 'false') throw needsStoring(project_id, 'store')
  if (isResponse) requireNothingKept(project_id, body)
}

function requireNothingKept(project_id: string, body: ModelBody) {
  if (!isOff(body.member('background'))) throw needsStoring(project_id, 'background')
  if ((body.member('conversation') ?? 'null') !== 'null') throw needsStoring(project_id, 'conversation')
}

const storeAnywhere = scanNames([], ['store'])

function mayStoreSession(body: ModelBody): boolean {
  if (body.kind === 'none') return false
  const content = body.content()
  return (
    !(content instanceof Uint8Array) || body.kind !== 'json' || scanJson(content, storeAnywhere).nested.has('store')
  )
}
