/**
 * `npm run build [-- PLATFORM… | all] [--outdir FOLDER]`: without a platform, the executable
 * `keyhall` for this machine, and `keyhall/client` with its types; else an executable for each
 * platform that is named, in a folder of its own.
 */
import { stat } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { buildExecutable } from './build-executable.ts'
import { buildPackage } from './build-package.ts'
import { executableName, parseTargets } from './targets.ts'

const root = join(import.meta.dir, '..')

/** Builds, and prints what was built. */
async function build(args: string[]) {
  const { values, positionals } = parseArgs({ args, options: { outdir: { type: 'string' } }, allowPositionals: true })
  const targets = parseTargets(positionals)
  const dist = values.outdir ? resolve(values.outdir) : join(root, 'dist')
  for (const target of targets) {
    const path = join(dist, target, executableName(target))
    await buildExecutable(path, target)
    await printSize(dist, path)
  }
  if (targets.length > 0) return
  const executable = join(dist, process.platform === 'win32' ? 'keyhall.exe' : 'keyhall')
  await buildExecutable(executable)
  await buildPackage(dist)
  for (const path of [executable, join(dist, 'client.js')]) await printSize(dist, path)
}

const printSize = async (dist: string, path: string) =>
  console.log(`${relative(dist, path).padEnd(24)} ${((await stat(path)).size / 1e6).toFixed(2)} MB`)

try {
  await build(process.argv.slice(2))
} catch (error) {
  console.error(`build: ${error instanceof Error ? error.message : String(error)}`)
  process.exit(1)
}
