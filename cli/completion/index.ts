/** `keyhall completion SHELL`: a script that completes the command's words, flags and values. */
import { bash } from './bash.ts'
import { candidates } from './candidates.ts'
import { fish } from './fish.ts'
import type { Shell } from './shells.ts'
import { zsh } from './zsh.ts'

const scripts = { bash, zsh, fish } satisfies Record<Shell, unknown>

export const completion = (shell: Shell): string => scripts[shell](candidates())
