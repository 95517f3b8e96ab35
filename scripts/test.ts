/**
 * `npm test`: the test files on every core, the slowest first, with one PostgreSQL for the whole
 * run. Prints failures and a summary. `--long` tries random histories and races ten times as often.
 * Everything else on the command line goes to `bun test`: files, `-t NAME`, `--parallel=1`,
 * `--update-timings`.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { cleanUpAfterUs, startPostgres } from '../test/postgres.ts'
import { makeTemplates } from '../test/templates.ts'
import { buildExecutable } from './build-executable.ts'
import { temporaryFolder } from './temporary-folder.ts'

const LONG_RUNS = '10'

const args = process.argv.slice(2)
const long = args.includes('--long')

/** Every temporary file of the run lies in here, so that one removal leaves nothing behind. */
const folder = mkdtempSync(join(temporaryFolder(), 'keyhall-run-'))
// PostgreSQL runs as another user when we are root, and must reach its own folder inside.
chmodSync(folder, 0o711)
cleanUpAfterUs(folder)
process.env.TMPDIR = folder

const program = join(folder, 'program/keyhall')
const [postgres] = await Promise.all([startPostgres(), buildExecutable(program)])
const templates = await makeTemplates(folder, postgres.url)
const tests = Bun.spawn(
  [
    process.execPath,
    'test',
    // When this process is killed, the tests and the servers that they started end too.
    '--no-orphans',
    // Two more than there are cores: many tests wait more than they work.
    `--parallel=${availableParallelism() + 2}`,
    // A fresh global for each file would compile all our code again for each: half a minute of CPU.
    '--no-isolate',
    '--preload=./test/quiet.ts',
    '--timeout=60000',
    '--only-failures',
    '--timings=test/timings.json',
    ...args.filter((arg) => arg !== '--long'),
  ],
  {
    stdio: ['inherit', 'inherit', 'inherit'],
    env: {
      ...process.env,
      TEST_SHARED_POSTGRES_URL: postgres.url,
      TEST_PROGRAM: program,
      ...templates,
      ...(long && { TEST_RUNS: process.env.TEST_RUNS ?? LONG_RUNS }),
    },
  },
)
// Ctrl-C reaches the tests too: they end first, and then what they used is taken away.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => tests.kill(signal))

const code = await tests.exited
await postgres.stop()
rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
process.exit(code)
