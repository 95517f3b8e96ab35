/** What a check of `keyhall doctor` is, what it may look at, and what it finds. */
import type { GatewayConfig } from '../../gateway/upstream-config.ts'
import type { Terminal } from '../../world/terminal.ts'
import type { Config, SettingName } from '../config.ts'

/** With a problem something does not work, or data is at risk. A warning can be meant. */
export type Status = 'ok' | 'warning' | 'problem'

export interface Finding {
  status: Status
  /** What was found, and what to do. */
  message: string
}

export const ok = (message: string): Finding => ({ status: 'ok', message })
export const warning = (message: string): Finding => ({ status: 'warning', message })
export const problem = (message: string): Finding => ({ status: 'problem', message })

export interface Host {
  environment: Terminal['environment']
  /** Milliseconds since 1970, by the clock of this machine. */
  now: () => number
  /** Those that the settings name; null where there are none, or where they are wrong. */
  upstreams: GatewayConfig | null
  /** Aborted when the time of the check is over. */
  signal: AbortSignal
}

export interface Check {
  name: string
  /** What it looks at. It is left out while one of these settings is wrong. */
  settings: readonly SettingName[]
  /** What to do when it does not end in time. */
  late: string
  /**
   * Throws Failed, WrongSetting or CannotOpen with a sentence about a problem. Throws
   * DatabaseUnread where the check of the database says why.
   */
  look: (config: Config, host: Host) => Finding[] | Promise<Finding[]>
}

/** A check that gets the settings that it names, and no others. */
export const check = <Name extends SettingName>(
  described: Omit<Check, 'settings' | 'look'> & {
    settings: readonly Name[]
    look: (config: Pick<Config, Name>, host: Host) => Finding[] | Promise<Finding[]>
  },
): Check => described
