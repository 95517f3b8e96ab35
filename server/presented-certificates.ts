/**
 * Which client certificate came with a request: that of its TLS connection, or the one that a
 * proxy passes on. Requests with the same header share one in memory, so that it is read and
 * verified once.
 */
import type { PresentedBy } from '../gateway/policies/client-certificates.ts'
import { ClientCertificate } from '../keys/certificates/client-certificate.ts'
import { Failed } from '../world/failed.ts'
import type { Networks } from '../world/networks.ts'
import { certificatesIn, headerText, type CertificateHeader } from './client-certificate-header.ts'

export interface Connections {
  /** The address at the other end of a request's connection. */
  socketAddress: (request: Request) => string | null
  /** What the client showed when the connection was made. */
  peerCertificate: PresentedBy
}

interface ProxySettings {
  client_cert_header: CertificateHeader | null
  client_cert_proxies: Networks
}

/** Throws Failed where a header would be believed although no proxy stands in front. */
export function requireTrustedProxies({
  client_cert_header: header,
  trusted_proxies,
}: Pick<ProxySettings, 'client_cert_header'> & { trusted_proxies: number }) {
  if (header === null || trusted_proxies > 0) return
  throw new Failed(
    'KEYHALL_CLIENT_CERT_HEADER is for a proxy in front of Keyhall: set KEYHALL_TRUSTED_PROXIES to how many there are.',
    2,
  )
}

const MOST_KNOWN = 1_000
const MOST_CHARACTERS = 16_384

/**
 * A request from a proxy counts by the header alone, also where it has none: the certificate of the
 * connection is then the proxy's own. From anybody else the header is never looked at.
 */
export function presentedBy(
  { socketAddress, peerCertificate }: Connections,
  { client_cert_header: header, client_cert_proxies: proxies }: ProxySettings,
): PresentedBy {
  if (header === null) return peerCertificate
  const known = new Map<string, ClientCertificate | string>()
  return (request) => {
    if (!proxies.has(socketAddress(request))) return peerCertificate(request)
    const text = headerText(header, request.headers)
    if (text === null) return null
    if (text.length > MOST_CHARACTERS) return `the header ${header} is too long`
    let one = known.get(text)
    if (one === undefined) {
      const found = certificatesIn(header, text)
      one = typeof found === 'string' ? found : ClientCertificate.read(found)
      if (known.size >= MOST_KNOWN) known.clear()
      known.set(text, one)
    }
    return one
  }
}
