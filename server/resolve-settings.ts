/**
 * Where each setting comes from: the command line, else the environment, else `keyhall.yaml`, else
 * the default. A secret can stand in a file, which the same place names.
 */
import type { Terminal } from '../world/terminal.ts'
import { flagOf, settings, type SettingName } from './config.ts'
import { noFile, readFileSettings, type FileSettings } from './file-settings.ts'
import { readSecretFile } from './secret-files.ts'
import { WrongSetting } from './setting.ts'

export interface Resolved {
  /** Null where it is not set and has no default. */
  text: string | null
  from: 'flag' | 'environment' | 'file' | 'default'
  /** The name of the setting there, for messages. */
  source: string
  /** The value stands in this file. */
  path: string | null
}

interface Place {
  from: Resolved['from']
  text: (name: SettingName) => string | undefined
  nameOf: (name: SettingName) => string
}

export type Given = Partial<Record<SettingName, string>>

/** Those that a file can hold, by the setting that names the file. */
export const fileOfSecret = {
  database: 'database_file',
  admin_key: 'admin_key_file',
  smtp_url: 'smtp_url_file',
  upstream_api_key: 'upstream_api_key_file',
  oidc_client_secret: 'oidc_client_secret_file',
  pepper: 'pepper_file',
} as const satisfies Partial<Record<SettingName, SettingName>>

export const secretNames = Object.keys(fileOfSecret) as SettingName[]

/**
 * Reads `keyhall.yaml`, if one is named, when it is needed. Throws Failed or WrongSetting with a
 * sentence.
 */
export function settingResolver(given: Given, environment: Terminal['environment']) {
  const path = given.config ?? (environment[settings.config.env] || null)
  let read: FileSettings | undefined
  const file = () => (read ??= path === null ? noFile : readFileSettings(path, environment))
  const places = placesOf(given, environment, path, file)
  return { file, resolve: (name: SettingName) => resolve(name, places) }
}

function placesOf(
  given: Given,
  environment: Terminal['environment'],
  path: string | null,
  file: () => FileSettings,
): Place[] {
  return [
    { from: 'flag', text: (name) => given[name], nameOf: flagOf },
    {
      from: 'environment',
      text: (name) => environment[settings[name].env] || undefined,
      nameOf: (name) => settings[name].env,
    },
    { from: 'file', text: (name) => file().values[name], nameOf: (name) => `server.${name} in ${path}` },
  ]
}

function resolve(name: SettingName, places: readonly Place[]): Resolved {
  const nameOfFile = (fileOfSecret as Partial<Record<SettingName, SettingName>>)[name]
  for (const { from, text: textOf, nameOf } of places) {
    const text = textOf(name)
    const path = nameOfFile && textOf(nameOfFile)
    if (text !== undefined && path !== undefined)
      throw new WrongSetting(`${nameOf(name)} and ${nameOf(nameOfFile!)} say the same thing twice; give one of them.`)
    if (text !== undefined) return { text, from, source: nameOf(name), path: null }
    if (path === undefined) continue
    const source = nameOf(nameOfFile!)
    // The pepper's file is made on the first start, and read later.
    return { text: name === 'pepper' ? null : readSecretFile(source, path), from, source, path }
  }
  return { text: settings[name].default, from: 'default', source: settings[name].env, path: null }
}
