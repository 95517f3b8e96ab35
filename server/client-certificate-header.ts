/**
 * The client certificate that a proxy passes on in a header: as RFC 9440 has it, as nginx writes
 * it, or as Envoy does. Each form is read strictly, because a header that two readers understand
 * differently can name another client.
 */
import { derOfBase64, derOfPem } from '../keys/certificates/certificate.ts'

export const certificateHeaders = ['client-cert', 'x-ssl-client-cert', 'x-forwarded-client-cert'] as const
export type CertificateHeader = (typeof certificateHeaders)[number]

/** With this header a proxy passes on what stands between the certificate and an authority. */
const CHAIN = 'client-cert-chain'

/** No bytes, as HAProxy writes it where the client has no certificate. */
const EMPTY = '::'

/** Certificates in DER, that of the client first; text says what is wrong. */
type Found = Buffer[] | string

/**
 * What stands in the header, with its chain; null without one. It is the name of a certificate in
 * memory.
 */
export function headerText(header: CertificateHeader, headers: Headers): string | null {
  const value = headers.get(header)
  if (value === null || value === '' || value === EMPTY) return null
  return header === 'client-cert' ? `${value}\n${headers.get(CHAIN) ?? ''}` : value
}

export function certificatesIn(header: CertificateHeader, text: string): Found {
  return readers[header](text) ?? `the header ${header} has another form`
}

const readers: Record<CertificateHeader, (text: string) => Buffer[] | null> = {
  'client-cert'(text) {
    const [own, chain] = text.split('\n') as [string, string]
    const all = [own, ...(chain === '' ? [] : chain.split(','))].map(byteSequence)
    return allFound(all)
  },

  'x-ssl-client-cert'(text) {
    return allFound([derOfPem(unescaped(text))])
  },

  'x-forwarded-client-cert'(text) {
    const pairs = elementOf(text)
    if (!pairs) return null
    const own = pairs.get('cert')
    const chain = pairs.get('chain')
    if (own === undefined && chain === undefined) return null
    const certificates = chain === undefined ? [] : pemsIn(unescaped(chain))
    if (own === undefined) return certificates
    const client = derOfPem(unescaped(own))
    if (!client || !certificates) return null
    // The chain begins with the certificate of the client.
    return certificates.length === 0 || certificates[0]!.equals(client) ? [client, ...certificates.slice(1)] : null
  },
}

const allFound = (all: (Buffer | null)[]): Buffer[] | null =>
  all.every((one): one is Buffer => one !== null) ? all : null

/** A byte sequence of RFC 8941: base64 between colons. */
function byteSequence(text: string): Buffer | null {
  const base64 = /^ *:([A-Za-z0-9+/=]+): *$/.exec(text)?.[1]
  return base64 === undefined ? null : derOfBase64(base64)
}

const PEMS = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\s*/g

function pemsIn(text: string): Buffer[] | null {
  if (text.replace(PEMS, '').trim() !== '') return null
  const all = (text.match(PEMS) ?? []).map(derOfPem)
  return all.length > 0 ? allFound(all) : null
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}

const PAIR = /([A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^",;]*)(;|$)/y

/**
 * The pairs of the only element of an Envoy header; null where there are several elements, or one
 * that is not written as Envoy writes it.
 */
function elementOf(text: string): Map<string, string> | null {
  const pairs = new Map<string, string>()
  PAIR.lastIndex = 0
  while (PAIR.lastIndex < text.length) {
    const [, name, value] = PAIR.exec(text) ?? []
    if (name === undefined) return null
    const key = name.toLowerCase()
    const isRead = key === 'cert' || key === 'chain'
    if (isRead && pairs.has(key)) return null
    pairs.set(key, value!.startsWith('"') ? value!.slice(1, -1).replace(/\\(.)/g, '$1') : value!)
  }
  return pairs
}
