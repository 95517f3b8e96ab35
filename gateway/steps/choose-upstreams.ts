/** Fifth step: which upstreams serve the model, in the order in which to try them. */
import type { ModelRequest } from '../model-request.ts'

export async function chooseUpstreams(call: ModelRequest): Promise<void> {
  const serving = call.upstreams!.inOrder(call.body.model)
  call.candidates = serving instanceof Promise ? await serving : serving
}
