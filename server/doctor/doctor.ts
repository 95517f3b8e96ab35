/**
 * `keyhall doctor`: looks at what a server needs on this machine and around it, and says what to
 * do. It changes nothing, and works while a server runs and while none does.
 */
import { CannotOpen } from '../../database/storage-errors.ts'
import { Failed, type ExitCode } from '../../world/failed.ts'
import { asRun, type Terminal } from '../../world/terminal.ts'
import { settings, type Config } from '../config.ts'
import type { Given } from '../resolve-settings.ts'
import { WrongSetting } from '../setting.ts'
import { checks as allChecks } from './checks.ts'
import { problem, warning, type Check, type Finding, type Host } from './finding.ts'
import { readAllSettings, type AllSettings } from './read-all-settings.ts'
import { DatabaseUnread } from './read-database.ts'
import { withoutSecrets } from './without-secrets.ts'

interface Options {
  /** Prints an array for programs. */
  isJson: boolean
  checks?: readonly Check[]
  /** How long a check may take. */
  milliseconds?: number
}

/** Resolves with 1 where there is a problem, else with 0. */
export async function doctor(
  given: Given,
  { isJson, checks = allChecks, milliseconds = 5_000 }: Options,
  terminal: Terminal,
): Promise<ExitCode> {
  const read = readAllSettings(given, terminal)
  const found = await Promise.all(
    checks.map(async (check) => ({ check: check.name, findings: await examine(check, read, milliseconds, terminal) })),
  )
  const clean = withoutSecrets(read)
  const lines = [{ check: 'settings', findings: read.findings }, ...found].flatMap(({ check, findings }) =>
    findings.map(({ status, message }) => ({ check, status, message: clean(asRun(onOneLine(message), terminal)) })),
  )
  if (isJson) terminal.out(`${JSON.stringify(lines, null, 2)}\n`)
  else terminal.out(lines.map(({ check, status, message }) => `${status.padEnd(8)} ${check}: ${message}\n`).join(''))
  return lines.some(({ status }) => status === 'problem') ? 1 : 0
}

const onOneLine = (text: string) => text.trim().replace(/\s*\n\s*/g, ' ')

/** What a check finds, within its time. Never throws. */
async function examine(
  check: Check,
  { config, wrong, upstreams }: AllSettings,
  milliseconds: number,
  { environment, now }: Terminal,
): Promise<Finding[]> {
  const mend = check.settings.filter((name) => wrong.has(name)).map((name) => settings[name].env)
  if (mend.length > 0) return [warning(`Not looked at, because ${mend.join(' and ')} cannot be read; see "settings".`)]
  const time = new AbortController()
  const late = Promise.withResolvers<Finding[]>()
  const timer = setTimeout(() => {
    late.resolve([problem(`No answer within ${milliseconds / 1000} seconds. ${check.late}`)])
    time.abort()
  }, milliseconds)
  try {
    return await Promise.race([
      look(check, config as Config, { environment, now, upstreams, signal: time.signal }),
      late.promise,
    ])
  } finally {
    clearTimeout(timer)
  }
}

async function look(check: Check, config: Config, host: Host): Promise<Finding[]> {
  try {
    return await check.look(config, host)
  } catch (error) {
    if (error instanceof DatabaseUnread) return [warning('Not looked at, because the database cannot be read.')]
    const isSentence = error instanceof Failed || error instanceof WrongSetting || error instanceof CannotOpen
    const { message } = error as Error
    return [problem(isSentence ? message : `This could not be looked at: ${message.replace(/\.$/, '')}.`)]
  }
}
