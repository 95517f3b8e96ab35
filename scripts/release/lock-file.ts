/** The packages of package-lock.json that belong to what is released, for every platform. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './commands.ts'

interface ReleasedPackage {
  name: string
  version: string
  /** `sha512-…`, in Base64. */
  integrity: string
  license: string
  /** Where it is installed, seen from the root. */
  path: string
}

const MODULES = 'node_modules/'

/**
 * For development, because an installed package needs none of them: the console holds their code.
 */
const BUNDLED = ['preact', '@preact/signals', 'uplot']

interface Locked {
  version: string
  integrity: string
  license?: string
  dev?: boolean
  dependencies?: Record<string, string>
}

interface Lock {
  packages: Record<string, Locked>
}

const read = (file: string) => JSON.parse(readFileSync(join(root, file), 'utf8')) as Lock

export function releasedPackages(): ReleasedPackage[] {
  const { packages } = read('package-lock.json')
  const bundled = new Set(BUNDLED)
  // A set gives what is added while it is walked through.
  for (const name of bundled)
    for (const other of Object.keys(packages[`${MODULES}${name}`]?.dependencies ?? {})) bundled.add(other)
  return Object.entries(packages)
    .filter(([path, { dev }]) => path.includes(MODULES) && (!dev || bundled.has(path.slice(MODULES.length))))
    .map(([path, { version, integrity, license = 'unknown' }]) => ({
      name: path.slice(path.lastIndexOf(MODULES) + MODULES.length),
      version,
      integrity,
      license,
      path,
    }))
}

/**
 * Throws when node_modules is not what package-lock.json says: a release would hold something else.
 */
export function requireLockedPackages() {
  const installed = existsSync(join(root, 'node_modules/.package-lock.json')) && read('node_modules/.package-lock.json')
  const differing = Object.entries(read('package-lock.json').packages).filter(
    ([path, { integrity }]) =>
      installed && installed.packages[path] && installed.packages[path].integrity !== integrity,
  )
  if (!installed || differing.length > 0)
    throw new Error(`what is installed is not what package-lock.json says; run "npm ci" first.`)
}

/** The hash of a package in hexadecimal, as SLSA writes it. */
export const sha512 = ({ integrity }: ReleasedPackage) =>
  Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex')
