/** Fifth step: which upstreams serve the model, in the order in which to try them. */
import type { ModelRequest } from '../model-request.ts'

export function chooseUpstreams(call: ModelRequest): void | Promise<void> {
  // What it refers to was read there.
  if (call.candidates.length > 0) return
  const serving = call.upstreams!.inOrder(call.body.model)
  if (serving instanceof Promise) return serving.then((candidates) => void (call.candidates = candidates))
  call.candidates = serving
}
