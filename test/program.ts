/**
 * How tests start Keyhall as a process. `npm test` builds the executable once, which starts three
 * times as fast as the sources; `bun test` called by hand runs the sources.
 */
import { join } from 'node:path'

const root = join(import.meta.dir, '..')

/** The file that Bun runs. */
export const programFile = join(root, 'main.ts')

/** The executable or Bun itself, so that a signal meets the server. */
export const program = process.env.TEST_PROGRAM ? [process.env.TEST_PROGRAM] : [process.execPath, programFile]

/** What npm installs as `keyhall`: Node.js, which starts Bun. */
export const launcher = ['node', join(root, 'bin/keyhall.js')]
