/** Every change of a history. */
import type * as fc from 'fast-check'
import type { Command } from './command.ts'
import { groupCommands } from './group-commands.ts'
import { keyCommands } from './key-commands.ts'
import { peopleCommands } from './people-commands.ts'
import { roleCommands } from './role-commands.ts'
import { sessionCommands } from './session-commands.ts'
import { settingCommands } from './setting-commands.ts'
import { workloadCommands } from './workload-commands.ts'

export const commands: fc.Arbitrary<Command>[] = [
  ...peopleCommands,
  ...groupCommands,
  ...roleCommands,
  ...keyCommands,
  ...workloadCommands,
  ...settingCommands,
  ...sessionCommands,
]
