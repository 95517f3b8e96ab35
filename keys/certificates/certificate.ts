/**
 * An X.509 certificate as far as Keyhall must understand it. `node:crypto` reads certificates too
 * and checks their signatures, but does not say what a CA may do and by which ids it is found.
 */
import { X509Certificate } from 'node:crypto'
import {
  bitsOf,
  booleanOf,
  DerReader,
  inside,
  NotDer,
  oidOf,
  smallIntegerOf,
  tags,
  timeOf,
  type Element,
} from './der.ts'

export interface Certificate {
  der: Buffer
  x509: X509Certificate
  /** Names as they are encoded; two names are the same where these bytes are. */
  subject: Buffer
  issuer: Buffer
  /** Unix seconds; valid from the first to the second, both included. */
  validAt: number
  expiresAt: number
  isAuthority: boolean
  /** How many other CA certificates may stand between it and that of a client; null for any. */
  pathLength: number | null
  /** Null where the certificate does not say. */
  keyUsage: ReadonlySet<number> | null
  extendedKeyUsage: readonly string[] | null
  /** In hexadecimal. */
  subjectKeyId: string | null
  authorityKeyId: string | null
  hasStrongSignature: boolean
  /** Extensions that must be obeyed and are not understood here, such as name constraints. */
  notUnderstood: readonly string[]
}

/** Bits of the key usage. */
export const usages = { digitalSignature: 0, certSign: 5, crlSign: 6 } as const

/** Throws NotDer, whose message says what is wrong with the bytes. */
export function parseCertificate(der: Buffer): Certificate {
  const outer = new DerReader(der)
  const whole = outer.next(tags.sequence)
  outer.requireEnd()
  const [body, algorithm] = inside(whole, (inner) => {
    const parts = [inner.next(tags.sequence), inner.next(tags.sequence)] as const
    inner.next(tags.bits)
    return parts
  })
  const fields = inside(body, (inner) => readBody(inner, algorithm))
  const names = fields.extensions.map(({ oid }) => oid)
  if (new Set(names).size < names.length) throw new NotDer('an extension stands twice')
  const find = (oid: string) => fields.extensions.find((one) => one.oid === oid)?.value ?? null
  const usage = find(oids.keyUsage)
  const extended = find(oids.extendedKeyUsage)
  return {
    der,
    x509: readByCrypto(der),
    subject: fields.subject,
    issuer: fields.issuer,
    validAt: fields.validAt,
    expiresAt: fields.expiresAt,
    ...basicConstraints(find(oids.basicConstraints)),
    keyUsage: usage && only(usage, (inner) => bitsOf(inner.next(tags.bits))),
    extendedKeyUsage: extended && only(extended, (inner) => inside(inner.next(tags.sequence), oidsIn)),
    subjectKeyId: hex(find(oids.subjectKeyId), (inner) => inner.next(tags.octets)),
    authorityKeyId: hex(find(oids.authorityKeyId), keyIdIn),
    hasStrongSignature: strongSignatures.has(oidOf(new DerReader(algorithm.content).next(tags.oid))),
    notUnderstood: fields.extensions
      .filter(({ oid, isCritical }) => (isCritical && !understood.has(oid)) || oid === oids.nameConstraints)
      .map(({ oid }) => oid),
  }
}

const LEAST_RSA_BITS = 2048

/** RSA of at least 2048 bits, an elliptic curve that TLS has, or Ed25519. */
export function hasStrongKey({ x509 }: Pick<Certificate, 'x509'>): boolean {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = x509.publicKey
  if (type === 'rsa' || type === 'rsa-pss') return (details?.modulusLength ?? 0) >= LEAST_RSA_BITS
  if (type === 'ec') return curves.includes(details?.namedCurve ?? '')
  return type === 'ed25519'
}

const curves = ['prime256v1', 'secp384r1', 'secp521r1']

const oids = {
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  authorityKeyId: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const

const understood: ReadonlySet<string> = new Set(Object.values(oids).filter((oid) => oid !== oids.nameConstraints))

/** RSA with PKCS #1 and PSS, ECDSA, Ed25519; those with hashes that are broken are missing. */
const strongSignatures = new Set([
  '1.2.840.113549.1.1.11',
  '1.2.840.113549.1.1.12',
  '1.2.840.113549.1.1.13',
  '1.2.840.113549.1.1.10',
  '1.2.840.10045.4.3.2',
  '1.2.840.10045.4.3.3',
  '1.2.840.10045.4.3.4',
  '1.3.101.112',
])

interface Extension {
  oid: string
  isCritical: boolean
  value: Element
}

function readBody(inner: DerReader, algorithm: Element) {
  const version = inner.next(0xa0)
  if (inside(version, (field) => smallIntegerOf(field.next(tags.integer))) !== 2) throw new NotDer('not version 3')
  inner.next(tags.integer)
  if (!inner.next(tags.sequence).whole.equals(algorithm.whole)) throw new NotDer('two signature algorithms')
  const issuer = inner.next(tags.sequence).whole
  const [validAt, expiresAt] = inside(inner.next(tags.sequence), (field) => [
    timeOf(field.next()),
    timeOf(field.next()),
  ])
  const subject = inner.next(tags.sequence).whole
  inner.next(tags.sequence)
  // Unique ids of issuer and subject, which nobody has used since 1996.
  inner.optional(0x81)
  inner.optional(0x82)
  const wrapped = inner.optional(0xa3)
  const extensions = wrapped ? inside(wrapped, (field) => inside(field.next(tags.sequence), extensionsIn)) : []
  return { issuer, subject, validAt: validAt!, expiresAt: expiresAt!, extensions }
}

function extensionsIn(list: DerReader): Extension[] {
  const found: Extension[] = []
  while (!list.isAtEnd)
    found.push(
      inside(list.next(tags.sequence), (inner) => {
        const oid = oidOf(inner.next(tags.oid))
        const critical = inner.optional(tags.boolean)
        return { oid, isCritical: critical !== null && booleanOf(critical), value: inner.next(tags.octets) }
      }),
    )
  return found
}

function basicConstraints(value: Element | null): Pick<Certificate, 'isAuthority' | 'pathLength'> {
  if (!value) return { isAuthority: false, pathLength: null }
  return only(value, (outer) =>
    inside(outer.next(tags.sequence), (inner) => {
      const authority = inner.optional(tags.boolean)
      const length = inner.optional(tags.integer)
      return {
        isAuthority: authority !== null && booleanOf(authority),
        pathLength: length && smallIntegerOf(length),
      }
    }),
  )
}

const only = <Result>(value: Element, read: (inner: DerReader) => Result): Result => inside(value, read)

function oidsIn(list: DerReader): string[] {
  const found: string[] = []
  while (!list.isAtEnd) found.push(oidOf(list.next(tags.oid)))
  return found
}

/** The key id of the issuer; its name and serial number may follow and are not needed. */
const keyIdIn = (outer: DerReader): Element | null =>
  inside(outer.next(tags.sequence), (inner) => {
    const id = inner.optional(0x80)
    while (!inner.isAtEnd) inner.next()
    return id
  })

const hex = (value: Element | null, read: (inner: DerReader) => Element | null): string | null =>
  (value && only(value, read)?.content.toString('hex')) || null

function readByCrypto(der: Buffer): X509Certificate {
  try {
    const x509 = new X509Certificate(der)
    // A key of a kind that is not known fails here.
    void x509.publicKey
    return x509
  } catch {
    throw new NotDer('a certificate that cannot be read')
  }
}

const PEM = /^\s*-----BEGIN CERTIFICATE-----\r?\n?([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*$/

/** The bytes of exactly one certificate in PEM; null for anything else. */
export function derOfPem(pem: string): Buffer | null {
  const base64 = PEM.exec(pem)?.[1]?.replace(/\s/g, '')
  return base64 === undefined ? null : derOfBase64(base64)
}

/** Base64 in its only right form; null for anything else. */
export function derOfBase64(base64: string): Buffer | null {
  const der = Buffer.from(base64, 'base64')
  return der.length > 0 && der.toString('base64') === base64 ? der : null
}

export function toPem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g)!
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
