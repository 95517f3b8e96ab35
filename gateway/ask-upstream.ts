/**
 * Requests that Keyhall itself makes to an upstream: for the input of a batch, and for results that
 * come later.
 */
import type { World } from '../world/world.ts'
import { upstreamHeaders } from './headers.ts'
import { noBody } from './model-body.ts'
import type { Upstream } from './upstreams.ts'

/** `path` is below `/v1`. Throws when the upstream does not answer. */
export function askUpstream(
  world: Pick<World, 'fetch'>,
  { config, route }: Upstream,
  path: string,
  signal: AbortSignal,
): Promise<Response> {
  return world.fetch(`${config.base_url}${path}`, {
    headers: upstreamHeaders({ accept: 'application/json' }, config, noBody),
    redirect: 'manual',
    timeout: false,
    signal,
    ...route,
  })
}
