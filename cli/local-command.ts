/** What a command on this machine is, and how it takes settings. */
import { flagOf, settings, type Config, type SettingName } from '../server/config.ts'
import { readConfig } from '../server/read-config.ts'
import type { Given } from '../server/resolve-settings.ts'
import type { Setting } from '../server/setting.ts'
import type { ExitCode } from '../world/failed.ts'
import type { Terminal } from '../world/terminal.ts'
import type { Arguments, Flag } from './arguments.ts'

export interface LocalCommand {
  path: readonly string[]
  about: string
  /** Further sentences for its own help. */
  more?: string
  flags: Flag[]
  examples: string[]
  /** What may stand behind it that is no flag; `FILE` for completion of files. */
  takes?: string
  run: (given: Arguments, terminal: Terminal) => Promise<ExitCode>
}

/** Where the database is, and its pepper. */
export const storage = ['database', 'database_file', 'pepper', 'pepper_file', 'config'] as const satisfies SettingName[]

/** A command whose settings are read before it runs; they are also its last flags. */
export const localCommand = <Name extends SettingName>({
  settings: names,
  flags = [],
  run,
  ...described
}: Omit<LocalCommand, 'flags' | 'run'> & {
  settings: readonly Name[]
  flags?: Flag[]
  run: (settings: Pick<Config, Name>, terminal: Terminal, given: Arguments) => Promise<ExitCode>
}): LocalCommand => ({
  ...described,
  flags: [...flags, ...flagsOf(names)],
  run: (given, terminal) => run(readSettings(given, terminal, names), terminal, given),
})

/** The settings as flags. */
export function flagsOf(names: readonly SettingName[]): Flag[] {
  return names.map((name) => {
    const { env, about, default: fallback, flagOnly, turnsOff, value }: Setting<unknown> = settings[name]
    const notes = fallback === null || flagOnly || turnsOff ? [env] : [env, `default: ${fallback}`]
    const values = value === 'FILE' || value === 'PATH' ? ('files' as const) : undefined
    return { name: flagOf(name).slice(2), value: value ?? null, values, about: about.replaceAll('`', ''), notes }
  })
}

const readSettings = <Name extends SettingName>(given: Arguments, { environment }: Terminal, names: readonly Name[]) =>
  readConfig(givenSettings(given, names), environment, names) satisfies Pick<Config, Name>

/** What the flags say of settings. */
export function givenSettings({ flags }: Arguments, names: readonly SettingName[]): Given {
  const given: Given = {}
  for (const name of names) {
    const [value] = flags.get(flagOf(name).slice(2)) ?? []
    const { turnsOff }: Setting<unknown> = settings[name]
    if (value !== undefined) given[name] = !turnsOff ? value : value === 'true' ? 'off' : 'on'
  }
  return given
}
