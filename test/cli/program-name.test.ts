/** Commands that a message names can be typed as they stand there, however the program was run. */
import { expect, test } from 'bun:test'
import { keyhall } from '../../cli/keyhall.ts'
import type { Terminal } from '../../world/terminal.ts'

async function errorOf(program: string, ...argv: string[]) {
  let printed = ''
  const terminal = {
    environment: { OPENAI_BASE_URL: 'http://127.0.0.1:1/v1' },
    now: () => 0,
    out: () => {},
    err: (text: string) => void (printed += text),
    isTerminal: false,
    isErrTerminal: false,
    columns: 80,
    width: (text: string) => text.length,
    program,
    onStop: () => {},
    onReload: () => {},
    exit: () => {},
  } satisfies Terminal
  await keyhall(argv, terminal)
  return printed
}

for (const program of ['npx keyhall', './keyhall-linux-x64', 'keyhall'])
  test(`messages name commands as "${program}", which is how it was run`, async () => {
    expect(await errorOf(program, 'config', 'check')).toContain(`"${program} config check keyhall.yaml"`)
    expect(await errorOf(program, 'projects', 'list')).toContain(`"${program} admin-keys create"`)
    expect(await errorOf(program, 'projects', 'nothing')).toContain(`"${program} projects --help"`)
  })
