/**
 * Whether the certificate of a client chains to one of several authorities, and when: path
 * validation of RFC 5280 as far as client certificates need it. What it does not understand, it
 * refuses.
 */
import { hasStrongKey, usages, type Certificate } from './certificate.ts'

/** Most certificates between that of a client and an authority. */
export const MOST_INTERMEDIATES = 3

/** In Unix seconds, both included. */
export interface Window {
  from: number
  until: number
}

/** When it chains to an authority; or why it never does, as the end of a sentence. */
export type Verdict = { windows: readonly Window[] } | { problem: string }

export function verdictOn(
  client: Certificate,
  intermediates: readonly Certificate[],
  authorities: readonly Certificate[],
): Verdict {
  const problem = unsuited(client)
  if (problem !== null) return { problem }
  const windows: Window[] = []
  climb(client, [], { from: client.validAt, until: client.expiresAt })
  return windows.length > 0 ? { windows } : { problem: 'it does not chain to an active certificate' }

  /** `below` are the intermediates that stand between it and the client. */
  function climb(certificate: Certificate, below: readonly Certificate[], window: Window) {
    for (const authority of authorities)
      if (isIssuedBy(certificate, authority, below.length)) windows.push(within(window, authority))
    if (below.length === MOST_INTERMEDIATES) return
    for (const next of intermediates)
      if (!below.includes(next) && isIssuedBy(certificate, next, below.length))
        climb(next, [...below, next], within(window, next))
  }
}

/** Why a certificate may not be shown by a client; null if it may. */
function unsuited(client: Certificate): string | null {
  if (client.isAuthority) return 'it is that of an authority, not of a client'
  if (!isForClients(client)) return 'its extended key usage does not permit client authentication'
  if (client.keyUsage !== null && !client.keyUsage.has(usages.digitalSignature))
    return 'its key usage does not permit digital signatures'
  if (!hasStrongKey(client)) return 'its key is too weak'
  if (client.notUnderstood.length > 0) return `it has an extension that is not understood: ${client.notUnderstood[0]}`
  return null
}

/** Client authentication, and any. A certificate that says nothing is for everything. */
const CLIENT_USAGES = ['1.3.6.1.5.5.7.3.2', '2.5.29.37.0']

const isForClients = ({ extendedKeyUsage }: Certificate) =>
  extendedKeyUsage === null || extendedKeyUsage.some((usage) => CLIENT_USAGES.includes(usage))

/** The signature comes last, because it costs most. */
function isIssuedBy(certificate: Certificate, issuer: Certificate, below: number): boolean {
  if (!certificate.issuer.equals(issuer.subject)) return false
  const { authorityKeyId } = certificate
  if (authorityKeyId !== null && issuer.subjectKeyId !== null && authorityKeyId !== issuer.subjectKeyId) return false
  if (!issuer.isAuthority || !issuer.keyUsage?.has(usages.certSign)) return false
  if (issuer.pathLength !== null && issuer.pathLength < below) return false
  if (issuer.notUnderstood.length > 0 || !isForClients(issuer) || !hasStrongKey(issuer)) return false
  return certificate.hasStrongSignature && isSignedBy(certificate, issuer)
}

function isSignedBy(certificate: Certificate, issuer: Certificate): boolean {
  try {
    return certificate.x509.verify(issuer.x509.publicKey)
  } catch {
    // A key of another kind than the signature.
    return false
  }
}

const within = ({ from, until }: Window, { validAt, expiresAt }: Certificate): Window => ({
  from: Math.max(from, validAt),
  until: Math.min(until, expiresAt),
})
