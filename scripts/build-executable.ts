/** Builds the executable `keyhall`: for `npm run build`, and for the tests that start it. */
import { rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { buildConsole } from '../server/console-build.ts'
import { bunBinary } from './bun-binaries.ts'
import type { Target } from './targets.ts'

const root = join(import.meta.dir, '..')

/**
 * Writes the executable to a path, by default for the platform on which this runs. The same sources
 * give the same bytes in every folder, as long as the file has the same name.
 */
export async function buildExecutable(outfile: string, target?: Target) {
  const path = resolve(outfile)
  // The source maps name the sources as they are seen from the current folder.
  process.chdir(root)
  const { outputs } = await Bun.build({
    // Workers are loaded by their path, so that they must be named: `server/start-worker.ts`.
    entrypoints: ['main.ts', 'server/report-worker.ts', 'server/token-worker.ts'].map((file) => join(root, file)),
    root,
    plugins: [embeddedConsole(JSON.stringify(await buildConsole(root)))],
    minify: { syntax: true, whitespace: true },
    sourcemap: 'inline',
    bytecode: true,
    format: 'esm',
    compile: {
      outfile: path,
      // Nothing that lies in the folder where it is started may steer it.
      autoloadDotenv: false,
      autoloadBunfig: false,
      ...(target && { target: `bun-${target}` as const, executablePath: bunBinary(target) }),
    },
  })
  // The executable carries its source maps in itself.
  for (const output of outputs) if (output.path.endsWith('.map')) await rm(resolve(dirname(path), output.path))
}

/**
 * Puts the console into its module. The option `files` of `Bun.build` does it too, but then the
 * bytes depend on the folder.
 */
const embeddedConsole = (files: string): Bun.BunPlugin => ({
  name: 'console',
  setup(build) {
    const contents = `export const embeddedConsole = ${files}`
    build.onLoad({ filter: /server[/\\]console-embedded\.ts$/ }, () => ({ contents, loader: 'ts' }))
  },
})
