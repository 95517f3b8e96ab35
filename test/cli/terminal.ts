/** The command line in process, on a terminal of the test's making: by default one that is none. */
import { keyhall } from '../../cli/keyhall.ts'
import type { Terminal } from '../../world/terminal.ts'
import type { Ended } from './command.ts'

export async function inProcess(line: string | readonly string[], over: Partial<Terminal> = {}): Promise<Ended> {
  let out = ''
  let err = ''
  const code = await keyhall(typeof line === 'string' ? line.split(' ') : line, {
    environment: {},
    now: Date.now,
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    isTerminal: false,
    isErrTerminal: false,
    columns: Infinity,
    width: Bun.stringWidth,
    program: 'keyhall',
    onReload: () => {},
    onStop: () => {},
    exit: () => {},
    ...over,
  })
  return { code, out, err }
}
