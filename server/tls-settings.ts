/** The settings of TLS and of client certificates: their names, defaults and meanings. */
import { certificateHeaders } from './client-certificate-header.ts'
import { networks, oneOf, setting, yesOrNo } from './setting.ts'

export const tlsSettings = {
  tls_cert: setting({
    env: 'KEYHALL_TLS_CERT',
    value: 'FILE',
    default: null,
    about:
      'The certificate with which every port of Keyhall serves TLS, over HTTP/1.1 and HTTP/2: PEM, with the certificates that lead to an authority behind it. Read again on SIGHUP. Without it, plain HTTP.',
    parse: (text) => text,
  }),
  tls_key: setting({
    env: 'KEYHALL_TLS_KEY',
    value: 'FILE',
    default: null,
    about: 'The private key of that certificate: PEM, without a passphrase. Read again on SIGHUP.',
    parse: (text) => text,
  }),
  tls_client_certs: setting({
    env: 'KEYHALL_TLS_CLIENT_CERTS',
    default: 'false',
    about:
      'Asks every client for a certificate when it connects by TLS. Projects with active certificates then see it; for all others nothing changes.',
    flagOnly: true,
    parse: yesOrNo,
  }),
  client_cert_header: setting({
    env: 'KEYHALL_CLIENT_CERT_HEADER',
    value: 'HEADER',
    default: null,
    about:
      'The header in which a proxy passes on the certificate of the client: `client-cert` (RFC 9440, with `client-cert-chain`), `x-ssl-client-cert` (nginx: `$ssl_client_escaped_cert`) or `x-forwarded-client-cert` (Envoy: `Cert`, `Chain`). The proxy must replace what clients send in it. Needs `KEYHALL_TRUSTED_PROXIES`. All others are ignored.',
    parse: oneOf(certificateHeaders),
  }),
  client_cert_proxies: setting({
    env: 'KEYHALL_CLIENT_CERT_PROXIES',
    value: 'NETWORKS',
    default: '127.0.0.0/8,::1',
    about:
      'The addresses of the proxies whose header with a client certificate is believed: IP addresses and networks with commas between. From all others it is ignored.',
    parse: networks,
  }),
}
