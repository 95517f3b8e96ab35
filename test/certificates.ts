/** Certificates made for tests, right and wrong ones, in DER and PEM. */
import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'
import { toPem } from '../keys/certificates/certificate.ts'

const length = (size: number) => (size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff])
const tlv = (tag: number, ...parts: (Uint8Array | number[])[]) => {
  const content = Buffer.concat(parts.map((part) => Buffer.from(part)))
  return Buffer.concat([Buffer.from([tag, ...length(content.length)]), content])
}
export const sequence = (...parts: Uint8Array[]) => tlv(0x30, ...parts)
const octets = (...parts: Uint8Array[]) => tlv(0x04, ...parts)
const integer = (bytes: Uint8Array | number[]) => tlv(0x02, bytes)
const boolean = (value: boolean) => tlv(0x01, [value ? 0xff : 0])

export function oid(text: string) {
  const [first, second, ...rest] = text.split('.').map(Number) as [number, number, ...number[]]
  const bytes = [first * 40 + second, ...rest].flatMap((number) => {
    const sevens = [number & 0x7f]
    for (let more = Math.floor(number / 128); more > 0; more = Math.floor(more / 128))
      sevens.unshift((more & 0x7f) | 0x80)
    return sevens
  })
  return tlv(0x06, bytes)
}

const time = (seconds: number) => {
  const text = new Date(seconds * 1000).toISOString().replace(/[-:T]|\.\d+/g, '')
  const year = Number(text.slice(0, 4))
  return year >= 1950 && year < 2050 ? tlv(0x17, Buffer.from(text.slice(2))) : tlv(0x18, Buffer.from(text))
}

const nameOf = (text: string) => sequence(tlv(0x31, sequence(oid('2.5.4.3'), tlv(0x0c, Buffer.from(text)))))

/** The key usage with these bits, of the first byte. */
const bits = (places: number[]) => {
  const byte = places.reduce((sum, place) => sum | (0x80 >> place), 0)
  const unused = 7 - Math.max(0, ...places)
  return tlv(0x03, [unused, byte])
}

export interface MadeCertificate {
  name: string
  der: Buffer
  pem: string
  privateKey: KeyObject
  publicKey: KeyObject
  /** The key in PEM. */
  key: string
}

export interface Wish {
  name: string
  /** By whom it is signed; by itself where it is left out. */
  by?: Pick<MadeCertificate, 'name' | 'privateKey' | 'publicKey'>
  /** Another key than one of its own. */
  keys?: Pick<MadeCertificate, 'privateKey' | 'publicKey'>
  /** Unix seconds. */
  from?: number
  until?: number
  isAuthority?: boolean
  pathLength?: number
  /** Bits of the key usage; null for no such extension. */
  keyUsage?: number[] | null
  extendedKeyUsage?: string[] | null
  withSubjectKeyId?: boolean
  withAuthorityKeyId?: boolean
  /** Names and addresses of a server. */
  hosts?: string[]
  /** Further extensions. */
  extensions?: { id: string; critical: boolean; value: Uint8Array }[]
}

export const CLIENT = '1.3.6.1.5.5.7.3.2'
export const SERVER = '1.3.6.1.5.5.7.3.1'
const ECDSA_SHA256 = '1.2.840.10045.4.3.2'
const DAY = 86_400

const seconds = () => Math.floor(Date.now() / 1000)

export function makeCertificate(wish: Wish): MadeCertificate {
  const { name, isAuthority = false, pathLength, hosts = [] } = wish
  const { privateKey, publicKey } = wish.keys ?? generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const by = wish.by ?? { name, privateKey, publicKey }
  const { from = seconds() - 60, until = seconds() + 30 * DAY } = wish
  const { keyUsage = isAuthority ? [5, 6] : [0], extendedKeyUsage = isAuthority ? null : [CLIENT] } = wish
  const { withSubjectKeyId = true, withAuthorityKeyId = true, extensions = [] } = wish
  const all = [
    extension(
      '2.5.29.19',
      true,
      sequence(...(isAuthority ? [boolean(true)] : []), ...(pathLength === undefined ? [] : [integer([pathLength])])),
    ),
    ...(keyUsage ? [extension('2.5.29.15', true, bits(keyUsage))] : []),
    ...(extendedKeyUsage ? [extension('2.5.29.37', false, sequence(...extendedKeyUsage.map(oid)))] : []),
    ...(withSubjectKeyId ? [extension('2.5.29.14', false, octets(keyId(publicKey)))] : []),
    ...(withAuthorityKeyId ? [extension('2.5.29.35', false, sequence(tlv(0x80, keyId(by.publicKey))))] : []),
    ...(hosts.length > 0 ? [extension('2.5.29.17', false, sequence(...hosts.map(hostName)))] : []),
    ...extensions.map(({ id, critical, value }) => extension(id, critical, value)),
  ]
  const algorithm = sequence(oid(ECDSA_SHA256))
  const body = sequence(
    tlv(0xa0, integer([2])),
    integer([1, ...randomBytes(15)]),
    algorithm,
    nameOf(by.name),
    sequence(time(from), time(until)),
    nameOf(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    tlv(0xa3, sequence(...all)),
  )
  const der = sequence(body, algorithm, tlv(0x03, [0], sign('sha256', body, by.privateKey)))
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  return { name, der, pem: toPem(der), privateKey, publicKey, key }
}

const extension = (id: string, critical: boolean, value: Uint8Array) =>
  sequence(oid(id), ...(critical ? [boolean(true)] : []), octets(value))

const keyId = (key: KeyObject) =>
  createHash('sha1')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest()

const hostName = (host: string) =>
  /^[\d.]+$/.test(host) ? tlv(0x87, host.split('.').map(Number)) : tlv(0x82, Buffer.from(host))

/** The certificate of an authority, as one may be uploaded. */
export const makeAuthority = (wish: Partial<Wish> = {}) =>
  makeCertificate({ name: 'Test CA', isAuthority: true, ...wish })
