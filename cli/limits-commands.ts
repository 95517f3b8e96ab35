/** `keyhall limits verify` and `keyhall limits give-back`, on the database itself. */
import { localCommand, storage, type LocalCommand } from './local-command.ts'

export const limitsCommands: readonly LocalCommand[] = [
  localCommand({
    path: ['limits', 'verify'],
    about: 'Checks that budgets, what servers hold, and the usage by minute, hour and day agree with each other.',
    more: 'It works while servers run. Each disagreement is a line; there should never be one. A limit that was passed is printed too, with the reason.',
    flags: [{ name: 'month', value: 'MONTH', about: 'The month, UTC, such as 2026-11.', notes: ['default: this one'] }],
    settings: ['database'],
    examples: ['limits verify', 'limits verify --month 2026-10'],
    async run(settings, terminal, given) {
      return (await import('../server/verify-limits.ts')).verifyLimits(
        settings,
        given.flags.get('month')?.[0],
        terminal,
      )
    },
  }),
  localCommand({
    path: ['limits', 'give-back'],
    about: 'Gives back the money that servers held when they were killed.',
    more: 'Such money ("burned") counts against the limits of the month, because nobody knows whether it was spent in the last half second before. It works while servers run, and leaves an audit event.',
    flags: [
      {
        name: 'project-id',
        value: 'ID',
        about: 'Of this project alone.',
        notes: ['default: of the organization and all its projects'],
      },
    ],
    settings: storage,
    examples: ['limits give-back', 'limits give-back --project-id proj_…'],
    async run(settings, terminal, given) {
      const project_id = given.flags.get('project-id')?.[0] ?? null
      return (await import('../server/give-back.ts')).giveBack(settings, project_id, terminal)
    },
  }),
]
