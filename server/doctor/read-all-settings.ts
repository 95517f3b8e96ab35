/**
 * Reads each setting by itself, so that one that is wrong keeps no check from what it does not
 * need.
 */
import type { GatewayConfig } from '../../gateway/upstream-config.ts'
import { Failed } from '../../world/failed.ts'
import type { Terminal } from '../../world/terminal.ts'
import { bodyLimits } from '../body-limits.ts'
import { settingNames, type Config, type SettingName } from '../config.ts'
import { gatewayConfig } from '../gateway-config.ts'
import { requireTrustedProxies } from '../presented-certificates.ts'
import { readConfig } from '../read-config.ts'
import type { Given } from '../resolve-settings.ts'
import { WrongSetting } from '../setting.ts'
import { readSignIn } from '../sign-in-settings.ts'
import { unknownVariables } from '../warnings.ts'
import { ok, problem, warning, type Finding } from './finding.ts'

export interface AllSettings {
  /** Without those that are wrong. */
  config: Partial<Config>
  wrong: ReadonlySet<SettingName>
  upstreams: GatewayConfig | null
  findings: Finding[]
}

export function readAllSettings(given: Given, { environment }: Pick<Terminal, 'environment'>): AllSettings {
  const sentences = new Set<string>()
  const warnings = new Set(unknownVariables(environment))
  const wrong = new Set<SettingName>()
  const attempt = <Result>(reading: () => Result): Result | null => {
    try {
      return reading()
    } catch (error) {
      if (!(error instanceof Failed || error instanceof WrongSetting)) throw error
      // One for each line of the file.
      for (const sentence of error.message.split('\n')) sentences.add(sentence)
      return null
    }
  }
  for (const name of settingNames) if (!attempt(() => readConfig(given, environment, [name]))) wrong.add(name)
  const right = settingNames.filter((name) => !wrong.has(name))
  const alone = right.filter((name) => name !== 'usage_hours_days')
  const config: Partial<Config> =
    attempt(() => readConfig(given, environment, right)) ?? readConfig(given, environment, alone)

  const isRead = (...names: SettingName[]) => names.every((name) => !wrong.has(name))
  const whatIsThere = { upstream: null, upstream_api_key: null, config: null, ...config } as unknown as Config
  const upstreams = attempt(() => gatewayConfig(whatIsThere, environment, (sentence) => warnings.add(sentence)))
  if (isRead('client_cert_header', 'trusted_proxies')) attempt(() => requireTrustedProxies(config as Config))
  if (isRead('body_memory', 'body_memory_per_key', 'max_body')) attempt(() => bodyLimits(config as Config))
  if (isRead(...settingNames.filter((name) => name.startsWith('oidc_'))))
    attempt(() => readSignIn(config as Config, upstreams))
  const findings = [...[...sentences].map(problem), ...[...warnings].map(warning)]
  return {
    config,
    wrong,
    upstreams,
    findings: findings.length > 0 ? findings : [ok('All settings are right.')],
  }
}
