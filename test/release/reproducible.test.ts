/** The same sources give the same executable, wherever they are built. */
import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { releasedPackages } from '../../scripts/release/lock-file.ts'
import { folder } from '../cli/command.ts'
import { copySources } from './throwaway-repository.ts'

// Bundling, and writing 140 MB.
setDefaultTimeout(120_000)

const root = join(import.meta.dir, '../..')
const home = folder()
afterAll(() => home.remove())

test('an executable that is built in another folder has the same bytes', () => {
  const elsewhere = join(home.path, 'far/away')
  copySources(elsewhere)
  copyPackages(elsewhere)
  const built = sha256(build(elsewhere, join(home.path, 'one/keyhall')))
  expect(built).toBe(sha256(process.env.TEST_PROGRAM ?? build(root, join(home.path, 'two/keyhall'))))
})

/** Source maps name packages by where they really are, so that a link to them will not do. */
function copyPackages(to: string) {
  rmSync(join(to, 'node_modules'))
  for (const { path } of releasedPackages()) {
    mkdirSync(dirname(join(to, path)), { recursive: true })
    const copy = (flags: string) => Bun.spawnSync(['cp', flags, join(root, path), join(to, path)]).exitCode
    // Links are quick; another file system has to copy. Packages for other platforms are not here.
    if (copy('-Rl') === 0) continue
    rmSync(join(to, path), { recursive: true, force: true })
    copy('-R')
  }
}

/** Builds in a process of its own, started in a folder that is not that of the sources. */
function build(tree: string, outfile: string) {
  const script = `
    const { buildExecutable } = await import(${JSON.stringify(join(tree, 'scripts/build-executable.ts'))})
    await buildExecutable(${JSON.stringify(outfile)})`
  const { exitCode, stderr } = Bun.spawnSync([process.execPath, '-e', script], { cwd: home.path })
  if (exitCode !== 0) throw new Error(String(stderr))
  return outfile
}

const sha256 = (file: string) => new Bun.CryptoHasher('sha256').update(readFileSync(file)).digest('hex')
