/** Whether clients will accept the certificate that the server shows. */
import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { rootCertificates } from 'node:tls'
import type { Config } from '../config.ts'
import { isLoopback } from '../client-address.ts'
import { readTlsIdentity } from '../tls-identity.ts'
import { check, ok, problem, warning, type Finding } from './finding.ts'

const DAY_MILLISECONDS = 86_400_000
const SOON_DAYS = 14

type Settings = Pick<Config, 'tls_cert' | 'tls_key' | 'public_url' | 'host' | 'trusted_proxies'>

export const servedTls = check({
  name: 'tls',
  settings: ['tls_cert', 'tls_key', 'public_url', 'host', 'trusted_proxies'],
  late: 'Look whether the disk with the certificate answers.',
  look(config, { now }) {
    const identity = readTlsIdentity(config, now())
    if (!identity) return withoutTls(config)
    const chain = certificatesIn(identity.cert)
    const findings = [
      ...validity(chain[0]!, now()),
      ...completeness(chain, config.tls_cert!),
      ...hostName(chain[0]!, config),
    ]
    if (findings.length > 0) return findings
    return [ok(`The certificate is valid until ${day(chain[0]!.validToDate)} and belongs to its key.`)]
  },
})

function withoutTls({ public_url, host, trusted_proxies }: Settings): Finding[] {
  if (trusted_proxies > 0) return [ok('TLS is left to the proxy in front.')]
  if (public_url?.startsWith('https:'))
    return [
      warning(
        'KEYHALL_PUBLIC_URL has https, and nothing here speaks TLS: with a proxy in front, set KEYHALL_TRUSTED_PROXIES to 1; without one, set KEYHALL_TLS_CERT and KEYHALL_TLS_KEY.',
      ),
    ]
  if (host === 'localhost' || isLoopback(host)) return [ok('No TLS; only this machine can connect.')]
  return [
    warning(
      `The server listens on ${host} without TLS, so that keys pass the network unencrypted; set KEYHALL_TLS_CERT and KEYHALL_TLS_KEY, or put a proxy in front and set KEYHALL_TRUSTED_PROXIES.`,
    ),
  ]
}

const certificatesIn = (pem: string) =>
  (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map((one) => new X509Certificate(one))

const day = (date: Date) => date.toISOString().slice(0, 10)

function validity({ validFromDate, validToDate }: X509Certificate, now: number): Finding[] {
  if (validFromDate.getTime() > now)
    return [
      problem(`The certificate is valid only from ${validFromDate.toISOString()}; look at the clock, or get another.`),
    ]
  if (validToDate.getTime() - now > SOON_DAYS * DAY_MILLISECONDS) return []
  return [
    warning(`The certificate expires on ${validToDate.toISOString()}; get a new one, and reload the server (SIGHUP).`),
  ]
}

/** Each certificate is issued by the next, and the last by an authority that clients know. */
function completeness(chain: readonly X509Certificate[], file: string): Finding[] {
  const gap = chain.findIndex((one, index) => index + 1 < chain.length && !one.checkIssued(chain[index + 1]!))
  if (gap >= 0)
    return [
      problem(
        `In ${file} the certificate ${gap + 2} did not issue the one before it; write the server's own first, and then each issuer in order.`,
      ),
    ]
  const last = chain.at(-1)!
  const isIssued = (authority: X509Certificate) => authority.subject === last.issuer
  if (chain.length === 1 && last.subject === last.issuer)
    return [
      warning(
        `The certificate in ${file} is signed by itself, so that only clients that were given it accept it; get one by an authority.`,
      ),
    ]
  if (last.subject === last.issuer || rootCertificates.some((pem) => isIssued(new X509Certificate(pem)))) return []
  return [
    warning(
      `${file} ends with a certificate by "${nameOf(last.issuer)}", which is no public authority; append the certificates that are missing, or see to it that all clients know that authority.`,
    ),
  ]
}

const nameOf = (distinguished: string) => distinguished.trim().replace(/\s*\n\s*/g, ', ')

function hostName(own: X509Certificate, { public_url, trusted_proxies }: Settings): Finding[] {
  // Otherwise people see the certificate of the proxy.
  if (public_url === null || trusted_proxies > 0) return []
  const url = new URL(public_url)
  if (url.protocol !== 'https:')
    return [warning('KEYHALL_PUBLIC_URL begins with http:, and the server speaks TLS alone; write https:.')]
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) ? own.checkIP(host) : own.checkHost(host)) return []
  return [
    problem(
      `The certificate is not for ${host}, the host of KEYHALL_PUBLIC_URL, but for ${own.subjectAltName ?? 'no host'}; get one for that host.`,
    ),
  ]
}
