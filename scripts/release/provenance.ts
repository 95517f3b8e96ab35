/**
 * Where the files of a release come from, as an in-toto statement with SLSA provenance, and its
 * signature.
 */
import { createHash, createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './commands.ts'
import { releasedPackages, sha512 } from './lock-file.ts'

export interface Source {
  version: string
  commit: string
  /** When it was committed, in seconds since 1970. */
  seconds: number
}

export interface Subject {
  name: string
  sha256: string
}

const BUILD_TYPE = 'urn:keyhall:npm-run-release:1'
const PAYLOAD_TYPE = 'application/vnd.in-toto+json'

/**
 * The statement as JSON. The builder is a URI. It has no time of the build, so that a second build
 * gives the same bytes.
 */
export function provenance(source: Source, subjects: readonly Subject[], builder: string): string {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  const packages = releasedPackages().map((released) => ({
    uri: `pkg:npm/${released.name.replace('@', '%40')}@${released.version}`,
    digest: { sha512: sha512(released) },
  }))
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: subjects.map(({ name, sha256 }) => ({ name, digest: { sha256 } })),
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType: BUILD_TYPE,
        externalParameters: { version: source.version, commit: source.commit },
        resolvedDependencies: [
          { name: 'source', digest: { gitCommit: source.commit } },
          { name: 'package-lock.json', digest: { sha256: lock } },
          ...packages,
        ],
      },
      runDetails: { builder: { id: builder, version: { bun: Bun.version } } },
    },
  }
  return `${JSON.stringify(statement, null, 2)}\n`
}

/** Reads an Ed25519 private key in PEM. Throws a sentence when it is none. */
export function readSigningKey(path: string): KeyObject {
  const named = `KEYHALL_RELEASE_KEY must name a file with an Ed25519 private key in PEM`
  let key: KeyObject
  try {
    key = createPrivateKey(readFileSync(path))
  } catch {
    throw new Error(`${named}; ${path} could not be read as one.`)
  }
  if (key.asymmetricKeyType !== 'ed25519') throw new Error(`${named}; ${path} has ${key.asymmetricKeyType}.`)
  return key
}

/** A signature over bytes as they are. */
export const signature = (text: string, key: KeyObject) => sign(null, Buffer.from(text), key)

/** The statement in a signed DSSE envelope, in one line of JSON. */
export function envelope(statement: string, key: KeyObject): string {
  const payload = Buffer.from(statement)
  const signed = `DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${payload.length} ${statement}`
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' })
  const keyid = createHash('sha256').update(spki).digest('hex')
  const signatures = [{ keyid, sig: signature(signed, key).toString('base64') }]
  return `${JSON.stringify({ payloadType: PAYLOAD_TYPE, payload: payload.toString('base64'), signatures })}\n`
}
