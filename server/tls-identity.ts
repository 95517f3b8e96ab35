/** The certificate and the key with which Keyhall serves TLS, read from their files and checked. */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Failed } from '../world/failed.ts'

export interface TlsIdentity {
  /** In PEM, with what leads to an authority. */
  cert: string
  key: string
}

/** Throws Failed with a sentence. Null where no TLS is asked for. */
export function readTlsIdentity(
  { tls_cert, tls_key }: { tls_cert: string | null; tls_key: string | null },
  now: number,
): TlsIdentity | null {
  if (tls_cert === null && tls_key === null) return null
  if (tls_cert === null || tls_key === null)
    throw new Failed('KEYHALL_TLS_CERT and KEYHALL_TLS_KEY go together: set both, or neither.', 2)
  const cert = read('KEYHALL_TLS_CERT', tls_cert)
  const key = read('KEYHALL_TLS_KEY', tls_key)
  const own = certificateIn(cert, tls_cert)
  if (own.validToDate.getTime() < now)
    throw new Failed(`The certificate in ${tls_cert} expired on ${own.validToDate.toISOString()}; get a new one.`, 2)
  if (!own.checkPrivateKey(keyIn(key, tls_key)))
    throw new Failed(`The key in ${tls_key} does not belong to the first certificate in ${tls_cert}.`, 2)
  return { cert, key }
}

function read(setting: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as { code?: string }
    throw new Failed(`${setting} names ${path}, which cannot be read: ${code ?? String(error)}.`, 2)
  }
}

function certificateIn(pem: string, path: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch {
    throw new Failed(`There is no certificate in PEM in ${path}.`, 2)
  }
}

function keyIn(pem: string, path: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch {
    throw new Failed(`There is no private key in PEM without a passphrase in ${path}.`, 2)
  }
}
