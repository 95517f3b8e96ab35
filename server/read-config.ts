/** Reads the settings of `config.ts`: from the command line, the environment and `keyhall.yaml`. */
import { sqlitePath } from '../database/sqlite-address.ts'
import { settingNames, settings, type Config, type SettingName } from './config.ts'
import { settingResolver, type Given, type Resolved } from './resolve-settings.ts'
import { WrongSetting } from './setting.ts'

/**
 * Reads only the named settings, so that a command on the host does not fail because of a setting
 * that it does not use. Throws WrongSetting with a sentence that says what is wrong and what would
 * be right.
 */
export function readConfig<Name extends SettingName = SettingName>(
  given: Given,
  environment: Record<string, string | undefined>,
  names: readonly Name[] = settingNames as Name[],
): Pick<Config, Name> {
  const { resolve } = settingResolver(given, environment)
  const config = Object.fromEntries(names.map((name) => [name, parse(name, resolve(name))])) as Partial<Config>
  const place = (
    name: 'pepper_file' | 'revocations_file' | 'first_key_file',
    besides: string | null | undefined,
    file: string,
  ) => {
    if (besides && config[name] && resolve(name).from === 'default') config[name] = besides.replace(/[^/\\]*$/, file)
  }
  const path = sqlitePath(config.database ?? '')
  place('pepper_file', path, 'pepper')
  place('revocations_file', path ?? config.pepper_file, 'revocations.jsonl')
  place('first_key_file', path ?? config.pepper_file, 'first-admin-key')
  if (config.usage_minutes_days !== undefined && config.usage_hours_days! < config.usage_minutes_days!)
    throw new WrongSetting(
      `KEYHALL_USAGE_HOURS_DAYS must be at least KEYHALL_USAGE_MINUTES_DAYS, which is ${config.usage_minutes_days}, not ${config.usage_hours_days}.`,
    )
  return config as Pick<Config, Name>
}

/** The value of a setting. Throws WrongSetting; what may be secret is not repeated. */
export function parse(name: SettingName, { text, source, path }: Resolved) {
  const { parse, default: fallback } = settings[name]
  try {
    return text === null ? null : parse(text)
  } catch (error) {
    if (!(error instanceof WrongSetting)) throw error
    if (path !== null) throw new WrongSetting(`What stands in ${path}, which ${source} names, must ${error.message}.`)
    const shown = name === 'database' || fallback === null ? '' : `, not "${text}"`
    throw new WrongSetting(`${source} must ${error.message}${shown}.`)
  }
}
