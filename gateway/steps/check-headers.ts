/** Second step: refuses what can be refused before the body is read. */
import {
  mismatchedOrganization,
  mismatchedProject,
  noUpstream,
  unauthenticated,
  wrongMethod,
} from '../../contract/errors.ts'
import { noWebSocket } from '../../contract/gateway-errors.ts'
import { unknownPath } from '../../http/unknown-path.ts'
import { holdsKey } from '../../keys/format.ts'
import { METHODS } from '../request-methods.ts'
import { asksForSocket } from '../sockets/upgrade.ts'
import type { ModelRequest } from '../model-request.ts'

export function checkHeaders({ request: { method }, headers, target, caller, upstreams, isSocket }: ModelRequest) {
  const organization = headers['openai-organization']
  const project = headers['openai-project']
  if (organization && organization !== caller.organization_id) throw mismatchedOrganization()
  if (project && project !== caller.project_id) throw mismatchedProject()
  if (target.operation === null) throw unknownPath(method, target.shown)
  if (holdsKey(target.search)) throw unauthenticated()
  if (!isSocket && asksForSocket(headers)) throw noWebSocket(target.shown)
  if (!METHODS.includes(method)) throw wrongMethod(method, target.shown, METHODS.join(', '))
  if (!upstreams) throw noUpstream()
}
