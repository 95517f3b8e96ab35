/** TLS in tests: a certificate for the server, and `fetch` that trusts it and shows another. */
import { writeFileSync } from 'node:fs'
import { makeAuthority, makeCertificate, SERVER, type MadeCertificate } from './certificates.ts'
import type { Send } from './gateway/setup.ts'

const authority = makeAuthority({ name: 'Authority of the servers' })

/** A certificate for this machine, by the authority that `sendWith` trusts. */
export const serverCertificate = (name = 'server') =>
  makeCertificate({ name, by: authority, extendedKeyUsage: [SERVER], hosts: ['localhost', '127.0.0.1'] })

/** The settings of a server with this certificate, whose files are written. */
export function tlsSettings(place: string, { pem, key } = serverCertificate()) {
  const settings = { KEYHALL_TLS_CERT: `${place}/tls.pem`, KEYHALL_TLS_KEY: `${place}/tls.key` }
  writeFileSync(settings.KEYHALL_TLS_CERT, pem)
  writeFileSync(settings.KEYHALL_TLS_KEY, key, { mode: 0o600 })
  return settings
}

export type Shown = Pick<MadeCertificate, 'pem' | 'key'>

/** `fetch` over a connection of its own, with this client certificate and those behind it. */
export const sendWith =
  (shown: Shown | null = null, behind: readonly MadeCertificate[] = []): Send =>
  (url, init) =>
    fetch(
      url as string,
      {
        ...init,
        keepalive: false,
        tls: {
          ca: authority.pem,
          ...(shown && { cert: shown.pem + behind.map(({ pem }) => pem).join(''), key: shown.key }),
        },
      } as RequestInit,
    )
