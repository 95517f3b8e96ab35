/**
 * While certificates are active for a project or its organization, a request comes with a client
 * certificate that chains to one of them.
 */
import { clientCertificateNeeded, clientCertificateRefused } from '../../contract/gateway-errors.ts'
import type { ClientCertificate } from '../../keys/certificates/client-certificate.ts'
import { seconds, type World } from '../../world/world.ts'
import type { Policy } from './policy.ts'

/**
 * The certificate that came with a request: over its TLS connection, or from a proxy that is
 * trusted. Text says what is wrong with one that cannot be read; null for none.
 */
export type PresentedBy = (request: Request) => ClientCertificate | string | null

export const clientCertificates = (presentedBy: PresentedBy, world: World): Policy => ({
  name: 'client certificates',
  withoutModel: 'applies',
  permit({ limits: { authorities } }, { request }) {
    if (authorities === null) return
    const presented = presentedBy(request)
    if (presented === null) throw clientCertificateNeeded()
    const problem = typeof presented === 'string' ? presented : presented.problem(authorities, seconds(world))
    if (problem !== null) throw clientCertificateRefused(problem)
  },
})
