/** `keyhall config check`: what is wrong with `keyhall.yaml`, and where each setting comes from. */
import { withoutPassword } from '../database/postgres-address.ts'
import { readGatewayFile } from '../gateway/config-file.ts'
import type { Problem } from '../gateway/file-parser.ts'
import { wrongUsage, type ExitCode } from '../world/failed.ts'
import type { Terminal } from '../world/terminal.ts'
import { settingNames, type Config, type SettingName } from './config.ts'
import { readAllSettings } from './doctor/read-all-settings.ts'
import { fileContext, problemSentence, readText } from './file-settings.ts'
import { requireMailSender } from './open-mail.ts'
import { secretNames, settingResolver, type Resolved } from './resolve-settings.ts'
import { readTlsIdentity } from './tls-identity.ts'

/**
 * Prints what is wrong with the file, one line each, as compilers do; then the settings. Throws
 * Failed where a server would not start with them.
 */
export function checkConfig(path: string, terminal: Terminal): ExitCode {
  const { environment, now, out, err } = terminal
  const { config, problems } = readGatewayFile(readText(path), fileContext(environment, now() / 1000))
  for (const problem of problems) err(`${asCompilersDo(path, problem)}\n`)
  if (!config) return 2
  requireSettings(path, terminal)
  const lines = settingLines(path, environment)
  const { upstreams, models = [] } = config
  const others = models.length === 0 ? '' : `, ${counted(models.length, 'model or pattern', 'models and patterns')}`
  out(`${path} is right: ${counted(upstreams.length, 'upstream', 'upstreams')}${others}.\n`)
  out(lines.map((line) => `${line}\n`).join(''))
  return 0
}

const asCompilersDo = (path: string, { message, ...problem }: Problem) =>
  problemSentence(path, {
    ...problem,
    message: problem.gravity === 'error' ? message : `${problem.gravity}: ${message}`,
  })

function requireSettings(path: string, terminal: Terminal) {
  const { config, findings } = readAllSettings({ config: path }, terminal)
  const wrong = findings.filter(({ status }) => status === 'problem')
  if (wrong.length > 0) throw wrongUsage(wrong.map(({ message }) => message).join('\n'))
  requireMailSender(config as Config)
  readTlsIdentity(config as Config, terminal.now())
}

/** A line for each setting that is not left at its default: its value and where it comes from. */
function settingLines(path: string, environment: Terminal['environment']): string[] {
  const { resolve, file } = settingResolver({ config: path }, environment)
  return settingNames.flatMap((name) => {
    const resolved = resolve(name)
    if (name === 'config' || resolved.from === 'default' || isFileOfSecret(name)) return []
    // The pepper itself, whose file has a line of its own.
    if (resolved.text === null) return []
    const named = resolved.path === null ? name : `${name}_file`
    const where = resolved.from === 'file' ? `${resolved.source}, line ${file().lineOf(named)}` : resolved.source
    const loses = resolved.from !== 'file' && Object.hasOwn(file().values, name) ? `; it wins over server.${name}` : ''
    return [`${name}: ${shown(name, resolved)} (${where}${loses})`]
  })
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

const counted = (count: number, one: string, many: string) => `${count} ${count === 1 ? one : many}`
