/** The `keyhall` command: what it was asked to do, with the real world around it. The only file with side effects. */
import { WrongSetting } from './config.ts'
import { Failed } from './cli/host.ts'
import { serve } from './cli/serve.ts'

const terminal = {
  environment: process.env,
  out: (text: string) => void process.stdout.write(text),
  isTerminal: process.stdout.isTTY === true,
  exit: (code: number) => process.exit(code),
}

try {
  const [command, ...rest] = process.argv.slice(2)
  if (command === 'serve') {
    const running = await serve(rest, terminal)
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.once(
        signal,
        () =>
          void running.stop().then(
            () => process.exit(0),
            () => process.exit(1),
          ),
      )
  }
} catch (error) {
  if (!(error instanceof Failed || error instanceof WrongSetting)) throw error
  process.stderr.write(`keyhall: ${error.message}\n`)
  process.exit(error instanceof Failed ? error.exitCode : 1)
}
