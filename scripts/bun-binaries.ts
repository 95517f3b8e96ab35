/**
 * Bun's binaries for other platforms, from the packages of npm that package-lock.json names. Each
 * is what the lock file's hash says, and is kept under node_modules/.cache.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { isWindows, type Target } from './targets.ts'

const root = join(import.meta.dir, '..')
const cache = join(root, 'node_modules/.cache/bun')

/** The path of Bun for a platform: installed, kept from an earlier build, or fetched with npm. */
export function bunBinary(target: Target): string {
  const name = `@oven/bun-${target.replace('arm64', 'aarch64')}`
  const file = `bin/bun${isWindows(target) ? '.exe' : ''}`
  const { version, integrity } = lockedPackage(name)
  const installed = installedBinary(name, version, file)
  if (installed) return installed
  const kept = join(cache, `${name.slice('@oven/'.length)}-${version}`)
  if (!existsSync(join(kept, file))) fetchPackage(`${name}@${version}`, integrity, kept)
  return join(kept, file)
}

function lockedPackage(name: string) {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version: string; integrity: string }>
  }
  return packages[`node_modules/${name}`]!
}

function installedBinary(name: string, version: string, file: string) {
  const require = createRequire(import.meta.url)
  try {
    const found = require(`${name}/package.json`) as { version: string }
    return found.version === version ? require.resolve(`${name}/${file}`) : null
  } catch {
    return null
  }
}

/** Throws when the package that npm gives is not the one that the lock file means. */
function fetchPackage(spec: string, integrity: string, folder: string) {
  mkdirSync(cache, { recursive: true })
  const download = mkdtempSync(join(cache, 'download-'))
  try {
    run(['npm', 'pack', spec, '--silent', '--pack-destination', download], `${spec} could not be fetched`)
    const tarball = join(download, readdirSync(download)[0]!)
    const found = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`
    if (found !== integrity) throw new Error(`${spec} has the hash ${found}, and package-lock.json wants ${integrity}.`)
    run(['tar', '-xzf', tarball, '-C', download], `${spec} could not be unpacked`)
    renameSync(join(download, 'package'), folder)
  } finally {
    rmSync(download, { recursive: true, force: true })
  }
}

function run(command: string[], failure: string) {
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  if (exitCode !== 0) throw new Error(`${failure}: ${String(stderr).trim() || String(stdout).trim()}`)
}
