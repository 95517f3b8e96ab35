/** Reads the settings of `config.ts` from the command line and the environment. */
import { flagOf, settingNames, settings, type Config, type SettingName } from './config.ts'
import { WrongSetting } from './setting.ts'

/**
 * Settings from the command line, else from the environment, else the defaults. Reads only the
 * named ones, so that a command on the host does not fail because of a setting that it does not
 * use. Throws WrongSetting with a sentence that says what is wrong and what would be right.
 */
export function readConfig<Name extends SettingName = SettingName>(
  given: Partial<Record<SettingName, string>>,
  environment: Record<string, string | undefined>,
  names: readonly Name[] = settingNames as Name[],
): Pick<Config, Name> {
  const values = names.map((name) => {
    const { env, default: fallback, parse } = settings[name]
    const flag = given[name]
    const source = flag === undefined ? env : flagOf(name)
    const text = flag ?? (environment[env] || undefined) ?? fallback
    try {
      return [name, text === null ? null : parse(text)]
    } catch (error) {
      if (!(error instanceof WrongSetting)) throw error
      const shown = name === 'database' || fallback === null ? '' : `, not "${text}"`
      throw new WrongSetting(`${source} must ${error.message}${shown}.`)
    }
  })
  const config = Object.fromEntries(values) as Partial<Config>
  const fileOf = (name: 'pepper_file' | 'revocations_file', folderOf: string | undefined, file: string) => {
    const isNamed = given[name] ?? environment[settings[name].env]
    if (!isNamed && folderOf && config[name]) config[name] = folderOf.replace(/[^/\\]*$/, file)
  }
  const path = /^sqlite:(.+)$/.exec(config.database ?? '')?.[1]
  fileOf('pepper_file', path, 'pepper')
  fileOf('revocations_file', path ?? config.pepper_file, 'revocations.jsonl')
  if (config.usage_minutes_days !== undefined && config.usage_hours_days! < config.usage_minutes_days!)
    throw new WrongSetting(
      `KEYHALL_USAGE_HOURS_DAYS must be at least KEYHALL_USAGE_MINUTES_DAYS, which is ${config.usage_minutes_days}, not ${config.usage_hours_days}.`,
    )
  return config as Pick<Config, Name>
}
