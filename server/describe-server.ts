/** What an operator wants to know of a running server, without secrets. */
import type { ServerDescription } from '../admin/call.ts'
import type { Gateway } from '../gateway/gateway-app.ts'
import type { Revocations } from '../revocation/revocations.ts'
import type { World } from '../world/world.ts'
import type { Probes } from './probes.ts'

interface Described {
  gateway: Gateway
  probes: Probes
  revocations: Revocations
  world: World
}

export async function describeServer({ gateway, probes, revocations, world }: Described): Promise<ServerDescription> {
  const [findings, servers] = await Promise.all([probes.look(), revocations.servers()])
  const now = world.steady()
  return {
    checks: Object.entries(findings).map(([name, finding]) => ({
      name,
      ok: finding === null,
      reason: finding?.reason ?? null,
    })),
    upstreams: gateway.upstreams().map((upstream) => ({
      name: upstream.config.name,
      base_url: withoutCredentials(upstream.config.base_url),
      answers: upstream.answers,
      resting_seconds: Math.ceil(Math.max(0, upstream.restsUntil - now) / 1000),
      weight: upstream.config.weight,
      default: upstream.config.is_default,
      models: upstream.models().length,
    })),
    servers,
  }
}

/** The configuration refuses them; but what it lets through must not be shown. */
function withoutCredentials(address: string): string {
  const { origin, pathname } = new URL(address)
  return `${origin}${pathname}`.replace(/\/$/, '')
}
