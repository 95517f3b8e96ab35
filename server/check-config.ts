/** `keyhall config check`: what is wrong with `keyhall.yaml`, and where each setting comes from. */
import { readGatewayFile } from '../gateway/config-file.ts'
import { wrongUsage, type ExitCode } from '../world/failed.ts'
import { suggestion } from '../world/suggestion.ts'
import type { Terminal } from '../world/terminal.ts'
import { settingNames, type SettingName } from './config.ts'
import { problemSentence, readText } from './file-settings.ts'
import { readConfig } from './read-config.ts'
import { secretNames, settingResolver, type Resolved } from './resolve-settings.ts'
import { variableIn } from './secret-files.ts'
import { WrongSetting } from './setting.ts'

/** Prints what is wrong with the file, one line each, as compilers do; then the settings. */
export function checkConfig(path: string, { environment, now, out, err }: Terminal): ExitCode {
  const context = { variable: variableIn(environment), suggest: suggestion, now: now() / 1000 }
  const { config, problems } = readGatewayFile(readText(path), context)
  for (const problem of problems) err(`${problemSentence(path, problem)}\n`)
  if (!config) return 2
  const lines = settingLines(path, environment)
  const { upstreams, models = [] } = config
  const others = models.length === 0 ? '' : `, ${counted(models.length, 'model or pattern', 'models and patterns')}`
  out(`${path} is right: ${counted(upstreams.length, 'upstream', 'upstreams')}${others}.\n`)
  out(lines.map((line) => `${line}\n`).join(''))
  return 0
}

/** A line for each setting that is not left at its default: its value and where it comes from. */
function settingLines(path: string, environment: Terminal['environment']): string[] {
  try {
    readConfig({ config: path }, environment)
    const { resolve, file } = settingResolver({ config: path }, environment)
    return settingNames.flatMap((name) => {
      const resolved = resolve(name)
      if (name === 'config' || resolved.from === 'default' || isFileOfSecret(name)) return []
      // The pepper itself, whose file has a line of its own.
      if (resolved.text === null) return []
      const named = resolved.path === null ? name : `${name}_file`
      const where = resolved.from === 'file' ? `${resolved.source}, line ${file().lineOf(named)}` : resolved.source
      const loses =
        resolved.from !== 'file' && Object.hasOwn(file().values, name) ? `; it wins over server.${name}` : ''
      return [`${name}: ${shown(name, resolved)} (${where}${loses})`]
    })
  } catch (error) {
    throw error instanceof WrongSetting ? wrongUsage(error.message) : error
  }
}

/** Those are shown with the secret that they hold. */
const isFileOfSecret = (name: SettingName) =>
  name !== 'pepper_file' && secretNames.some((secret) => name === `${secret}_file`)

/** The value for people, without secrets. */
function shown(name: SettingName, { text, path }: Resolved): string {
  if (path !== null) return `from ${path}`
  if (name === 'database') return withoutPassword(text!)
  return secretNames.includes(name) ? '***' : text!
}

/** A database's address without its password, wherever in it that stands. */
export const withoutPassword = (address: string) =>
  address.replace(/^(postgres(?:ql)?:\/\/[^:@/?#]*):[^@]*@/, '$1:***@').replace(/([?&]password=)[^&#]*/gi, '$1***')

const counted = (count: number, one: string, many: string) => `${count} ${count === 1 ? one : many}`
