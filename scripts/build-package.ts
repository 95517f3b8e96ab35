/**
 * `npm pack` and `npm publish` run this first: `keyhall/client` as one module for any platform, its
 * types, the console, and the licences of the packages that are in the console.
 */
import { rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { buildConsole } from '../server/console-build.ts'
import { thirdPartyNotices } from './release/notices.ts'

const root = join(import.meta.dir, '..')

/** Writes `client.js`, `types/`, `console/` and `THIRD-PARTY-NOTICES` into a folder, anew. */
export async function buildPackage(folder: string) {
  // Comments in the module name its sources as they are seen from the current folder.
  process.chdir(root)
  await rm(join(folder, 'types'), { recursive: true, force: true })
  await Bun.build({
    entrypoints: [join(root, 'client/index.ts')],
    target: 'browser',
    format: 'esm',
    outdir: folder,
    naming: 'client.js',
  })
  await writeConsole(join(folder, 'console'))
  await Bun.write(join(folder, 'THIRD-PARTY-NOTICES'), thirdPartyNotices())
  const types = Bun.spawnSync(
    [
      process.execPath,
      join(createRequire(import.meta.url).resolve('typescript/package.json'), '../bin/tsc'),
      '--project',
      join(root, 'scripts/types.json'),
      '--outDir',
      join(folder, 'types'),
    ],
    // What npm prints for `npm pack --json` must stay JSON.
    { stdio: ['ignore', 2, 2] },
  )
  if (types.exitCode !== 0) process.exit(types.exitCode)
}

async function writeConsole(folder: string) {
  const { index, assets } = await buildConsole(root)
  await rm(folder, { recursive: true, force: true })
  await Bun.write(join(folder, 'index.html'), index)
  for (const [name, text] of Object.entries(assets)) await Bun.write(join(folder, 'assets', name), text)
}

if (import.meta.main) await buildPackage(join(root, 'dist'))
