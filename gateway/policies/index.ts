/**
 * The policies of every server, in the order in which they are asked. A new one is a file here and
 * a line in this list.
 */
import { zeroRetention } from './zero-retention.ts'
import { clientCertificates, type PresentedBy } from './client-certificates.ts'
import { hostedToolPermissions } from './hosted-tools.ts'
import { metering, type MeteringContext } from './metering.ts'
import { modelPermissions } from './model-permissions.ts'
import { permission } from './permission.ts'
import { serviceTierSettings } from './service-tiers.ts'
import type { World } from '../../world/world.ts'
import type { Policy } from './policy.ts'

export const standardPolicies = (
  context: MeteringContext,
  { presentedBy = () => null, world }: { presentedBy?: PresentedBy | undefined; world: World },
): readonly Policy[] => [
  clientCertificates(presentedBy, world),
  permission,
  modelPermissions(() => context.refusals.model()),
  hostedToolPermissions,
  serviceTierSettings,
  zeroRetention,
  metering(context),
]
