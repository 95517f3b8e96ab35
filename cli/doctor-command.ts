/** `keyhall doctor`. It reads the settings itself, because one that is wrong must not end it. */
import { settingNames } from '../server/config.ts'
import { flagsOf, givenSettings, type LocalCommand } from './local-command.ts'

export const doctorCommand: LocalCommand = {
  path: ['doctor'],
  about:
    'Looks at the settings, files, database, clock, upstreams, TLS, identity provider, mail and free space of a server, and says what to do.',
  more: 'Each line is ok, a warning or a problem; with a problem the exit code is 1. It takes the settings of the server from the same places, changes nothing, sends no mail, and works while the server runs and while it does not. Run it as the user of the server.',
  flags: [
    { name: 'json', value: null, about: 'Prints an array for programs: check, status and message.', notes: [] },
    ...flagsOf(settingNames),
  ],
  examples: ['doctor', 'doctor --json', 'doctor --config keyhall.yaml'],
  async run(given, terminal) {
    const { doctor } = await import('../server/doctor/doctor.ts')
    return doctor(givenSettings(given, settingNames), { isJson: given.flags.has('json') }, terminal)
  },
}
