/** Builds the executable `keyhall`: for `npm run build`, and for the tests that start it. */
import { join } from 'node:path'

const root = join(import.meta.dir, '..')

/** Writes the executable to a path. Its source maps are in it, and lie beside it. */
export const buildExecutable = (outfile: string) =>
  Bun.build({
    // Workers are loaded by their path, so that they must be named: `server/start-worker.ts`.
    entrypoints: ['main.ts', 'server/report-worker.ts', 'server/token-worker.ts'].map((file) => join(root, file)),
    root,
    minify: { syntax: true, whitespace: true },
    sourcemap: 'inline',
    bytecode: true,
    format: 'esm',
    // Nothing that lies in the folder where it is started may steer it.
    compile: { outfile, autoloadDotenv: false, autoloadBunfig: false },
  })
