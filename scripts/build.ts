/**
 * `npm run build [-- FOLDER]`: the executable `keyhall`, and `keyhall/client` as one module for any
 * platform with its types.
 */
import { rm, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, join, resolve } from 'node:path'
import { buildExecutable } from './build-executable.ts'

const root = join(import.meta.dir, '..')
const dist = process.argv[2] ? resolve(process.argv[2]) : join(root, 'dist')

const executable = await buildExecutable(join(dist, 'keyhall'))
const client = await Bun.build({
  entrypoints: [join(root, 'client/index.ts')],
  target: 'browser',
  format: 'esm',
  outdir: dist,
  naming: 'client.js',
})
const types = Bun.spawnSync(
  [
    process.execPath,
    join(createRequire(import.meta.url).resolve('typescript/package.json'), '../bin/tsc'),
    '--project',
    join(root, 'scripts/types.json'),
    '--outDir',
    join(dist, 'types'),
  ],
  { stdout: 'inherit', stderr: 'inherit' },
)
if (types.exitCode !== 0) process.exit(types.exitCode)

// The executable carries its source maps in itself.
for (const map of ['keyhall.map', 'report-worker.js.map', 'token-worker.js.map'])
  await rm(join(dist, map), { force: true })

for (const { path } of [...executable.outputs, ...client.outputs].filter(({ path }) => !path.endsWith('.map')))
  console.log(`${basename(path).padEnd(10)} ${((await stat(path)).size / 1e6).toFixed(2)} MB`)
