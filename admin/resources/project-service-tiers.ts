import { invalid } from '../../contract/errors.ts'
import { projectServiceTiers, type EnabledTiers } from '../../contract/project-service-tiers.ts'
import { handlers } from '../call.ts'
import { requireActive } from '../rules/require-active.ts'
import { readSetting, writeSetting } from '../shared/project-settings.ts'

interface Tiers {
  default: 'standard' | 'fast' | 'scale'
  enabled_tiers: EnabledTiers
}

const UNSET: Tiers = { default: 'standard', enabled_tiers: 'all' }

export default handlers(projectServiceTiers, {
  retrieve: async (call) => present(await tiersOf(call)),

  async update(call) {
    requireActive(call.project)
    const before = await tiersOf(call)
    const { default: chosen = before.default, enabled_tiers = before.enabled_tiers } = call.body
    if (chosen === 'fast' && enabled_tiers !== 'all' && !enabled_tiers.includes('fast'))
      throw invalid("Invalid 'default': the tier 'fast' is not among 'enabled_tiers'.", 'default', 'unusable_value')
    const tiers = { default: chosen, enabled_tiers }
    await writeSetting(call, 'service_tiers', tiers)
    call.record('tenant.product_access_policy.updated', { id: call.project.id, service_tiers: tiers })
    return present(tiers)
  },
})

const tiersOf = async (call: Parameters<typeof readSetting>[0]) =>
  ((await readSetting(call, 'service_tiers')) ?? UNSET) as Tiers

const present = (tiers: Tiers) => ({ object: 'project.service_tier_settings' as const, ...tiers })
