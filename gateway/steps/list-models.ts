/** `GET /models` and `GET /models/{model}`, which the gateway answers itself. */
import { modelNotFound } from '../../contract/errors.ts'
import { render } from '../../http/respond.ts'
import { maskKeys } from '../../keys/format.ts'
import { isRead } from '../request-methods.ts'
import type { ModelRequest } from '../model-request.ts'

export const asksForModels = ({ target, request }: ModelRequest) =>
  target.operation === 'models' && isRead(request.method)

export async function listModels(call: ModelRequest): Promise<Response> {
  const { policies } = call.gateway
  const offered = await call.upstreams!.models()
  const data = offered.filter(({ id }) => policies.showsModel(call.caller, id))
  const headers = call.callerHeaders()
  call.reservations.addHeaders(headers)
  const response = render(call.exchange, { body: answer(data, call.target.model), headers })
  call.finish('whole')
  return response
}

function answer<Model extends { id: string }>(data: Model[], id: string | null) {
  if (id === null) return { object: 'list', data }
  const model = data.find((model) => model.id === id)
  if (!model) throw modelNotFound(maskKeys(id).slice(0, 128))
  return model
}
