/** What an uploaded certificate must be: that of an authority, as OpenAI's help describes it. */
import { invalid } from '../../contract/errors.ts'
import { MOST_PEM_BYTES } from '../../contract/certificates.ts'
import {
  derOfPem,
  hasStrongKey,
  parseCertificate,
  usages,
  type Certificate,
} from '../../keys/certificates/certificate.ts'
import { NotDer } from '../../keys/certificates/der.ts'

const DAY_SECONDS = 86_400

/** Reads the certificate; throws 400 that says what it lacks. */
export function requireAuthority(pem: string, now: number): Certificate {
  if (pem.length > MOST_PEM_BYTES) throw unusable(`it has more than ${MOST_PEM_BYTES} bytes`)
  const der = derOfPem(pem)
  if (!der) throw unusable('expected exactly one certificate in PEM, from BEGIN CERTIFICATE to END CERTIFICATE')
  const certificate = parse(der)
  const { keyUsage, notUnderstood } = certificate
  if (!certificate.isAuthority) throw unusable('it is not that of a CA: basic constraints must say CA:TRUE')
  if (!keyUsage?.has(usages.certSign) || !keyUsage.has(usages.crlSign))
    throw unusable('its key usage must have certificate sign and CRL sign')
  if (certificate.subjectKeyId === null) throw unusable('it has no subject key identifier')
  if (certificate.authorityKeyId === null) throw unusable('it has no authority key identifier')
  if (certificate.expiresAt < now + DAY_SECONDS) throw unusable('it has expired, or expires within a day')
  if (notUnderstood.length > 0)
    throw unusable(`it has an extension that would have to be obeyed and is not understood: ${notUnderstood[0]}`)
  if (!hasStrongKey(certificate))
    throw unusable('its key must be RSA of at least 2048 bits, on the curve P-256, P-384 or P-521, or Ed25519')
  if (!certificate.hasStrongSignature) throw unusable('it must be signed with SHA-256 or better, or Ed25519')
  if (isSelfSigned(certificate) && !certificate.x509.verify(certificate.x509.publicKey))
    throw unusable('its signature is not that of its own key')
  return certificate
}

function parse(der: Buffer): Certificate {
  try {
    return parseCertificate(der)
  } catch (error) {
    if (error instanceof NotDer) throw unusable(`it cannot be read: ${error.message}`)
    throw error
  }
}

const isSelfSigned = ({ subject, issuer, subjectKeyId, authorityKeyId }: Certificate) =>
  subject.equals(issuer) && subjectKeyId === authorityKeyId

const unusable = (what: string) => invalid(`Invalid 'certificate': ${what}.`, 'certificate', 'unusable_value')
