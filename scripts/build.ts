/** `npm run build [-- FOLDER]`: the executable `keyhall`, and `keyhall/client` as one module for any platform with its types. */
import { rm, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, join, resolve } from 'node:path'

const root = join(import.meta.dir, '..')
const dist = process.argv[2] ? resolve(process.argv[2]) : join(root, 'dist')

const executable = await Bun.build({
  entrypoints: [join(root, 'main.ts')],
  minify: { syntax: true, whitespace: true },
  sourcemap: 'inline',
  bytecode: true,
  format: 'esm',
  // Nothing that lies in the folder where it is started may steer it.
  compile: { outfile: join(dist, 'keyhall'), autoloadDotenv: false, autoloadBunfig: false },
})
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

// The executable carries its source map in itself.
await rm(join(dist, 'keyhall.map'), { force: true })

for (const { path } of [...executable.outputs, ...client.outputs].filter(({ path }) => !path.endsWith('.map')))
  console.log(`${basename(path).padEnd(10)} ${((await stat(path)).size / 1e6).toFixed(2)} MB`)
