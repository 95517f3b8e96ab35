/** The commands by hand: those on the host, which work on the database itself. Their code is loaded when one is asked for. */
import { flagOf, readConfig, settingNames, settings, type Config, type SettingName } from '../config.ts'
import { helpFlag, noWords, readArguments, type Arguments, type Flag } from './arguments.ts'
import { wrongUsage, type ExitCode } from './failed.ts'
import type { Terminal } from './terminal.ts'

export interface Handmade {
  path: readonly string[]
  about: string
  /** Further sentences for its own help. */
  more?: string
  flags: Flag[]
  examples: string[]
  /** What may stand behind it that is no flag. */
  takes?: string
  run: (given: Arguments, terminal: Terminal) => Promise<ExitCode>
}

const storage = ['database', 'pepper', 'pepper_file'] as const satisfies SettingName[]

export const handmade: readonly Handmade[] = [
  {
    path: ['serve'],
    about: 'Starts the server.',
    more: 'The first start makes an organization, its owner, its "Default project" and an admin key, and prints the key once. Give secrets as variables: others on the machine can see arguments.',
    flags: flagsOf(settingNames),
    examples: ['serve', 'serve --port 8080 --database postgres://keyhall@db.example.com/keyhall'],
    async run(given, terminal) {
      const settings = config(given, terminal, settingNames)
      return (await import('./serve.ts')).serveUntilStopped(settings, terminal)
    },
  },
  {
    path: ['admin-keys', 'create'],
    about: 'Makes an admin key, on the host and straight on the database: the way back in when all keys are lost.',
    more: 'It works while the server runs, and leaves an audit event. Standard output has the key and nothing else.',
    flags: [
      { name: 'name', value: 'NAME', about: 'What the key is called.', notes: ['default: Made on the host'] },
      { name: 'email', value: 'EMAIL', about: 'The owner it belongs to.', notes: ['default: the oldest owner'] },
      {
        name: 'expires-in',
        value: 'TIME',
        about: 'When it ends: 30d, 12h, 90m, or a date.',
        notes: ['default: never'],
      },
      ...flagsOf(storage),
    ],
    examples: ['admin-keys create --name "on call" --expires-in 12h'],
    async run(given, terminal) {
      const settings = config(given, terminal, storage)
      return (await import('./host-commands.ts')).createAdminKey(settings, given.flags, terminal)
    },
  },
  {
    path: ['config', 'check'],
    about: 'Checks the file with the model servers, and says what is wrong by line and column.',
    more: 'It looks at the file and the environment variables that it names; no model server is asked.',
    flags: flagsOf(['config']),
    examples: ['config check keyhall.yaml'],
    takes: 'FILE',
    run: async (given, terminal) => {
      const [file = config(given, terminal, ['config']).config, ...more] = given.words
      if (file === null || more.length > 0) throw wrongUsage('One file is needed: "keyhall config check keyhall.yaml".')
      return (await import('./gateway-config.ts')).checkConfig(file, terminal)
    },
  },
  {
    path: ['invites', 'link'],
    about: 'Makes a new link for a pending invite: without a mail server, or when the mail did not arrive.',
    more: 'It works while the server runs, and leaves an audit event. A link that the invite had before opens nothing any more. Standard output has the link and nothing else.',
    flags: flagsOf([...storage, 'public_url', 'host', 'port']),
    examples: ['invites link invite-…', 'invites link invite-… --public-url https://keys.example.com'],
    takes: 'INVITE_ID',
    async run(given, terminal) {
      const [id, ...more] = given.words
      if (id === undefined || more.length > 0)
        throw wrongUsage('One invite is needed: "keyhall invites link invite-…".')
      const settings = config(given, terminal, [...storage, 'public_url', 'host', 'port'])
      return (await import('./host-commands.ts')).linkInviteOf(settings, id, terminal)
    },
  },
  {
    path: ['audit', 'verify'],
    about: 'Walks the audit log and checks that no row was changed, removed or put in.',
    more: 'Prints the newest link of the chain. Who keeps it elsewhere can tell later whether the end was cut off or the whole was written anew.',
    flags: flagsOf(['database']),
    examples: ['audit verify'],
    async run(given, terminal) {
      const settings = config(given, terminal, ['database'])
      return (await import('./host-commands.ts')).verifyAudit(settings, terminal)
    },
  },
]

/** Reads the flags of one of these commands and runs it. */
export async function runHandmade(command: Handmade, argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const given = readArguments(argv, [...command.flags, helpFlag])
  if (!command.takes) noWords(given)
  return command.run(given, terminal)
}

/** The settings as flags. */
function flagsOf(names: readonly SettingName[]): Flag[] {
  return names.map((name) => {
    const { env, about, default: usual, flagOnly, value = null } = settings[name] as (typeof settings)['demo']
    const fallback = usual === null || flagOnly ? [] : [`default: ${usual}`]
    return { name: flagOf(name).slice(2), value, about: about.replaceAll('`', ''), notes: [env, ...fallback] }
  })
}

function config<Name extends SettingName>({ flags }: Arguments, terminal: Terminal, names: readonly Name[]) {
  const given: Partial<Record<SettingName, string>> = {}
  for (const name of names) {
    const [value] = flags.get(flagOf(name).slice(2)) ?? []
    if (value !== undefined) given[name] = value
  }
  return readConfig(given, terminal.environment, names) satisfies Pick<Config, Name>
}
