/** `keyhall health`, for the health check of a container. */
import { WrongSetting } from '../server/setting.ts'
import { Failed } from '../world/failed.ts'
import { localCommand, type LocalCommand } from './local-command.ts'

const command = localCommand({
  path: ['health'],
  about: 'Asks the server on this machine whether it is ready: exit code 0, or 1 with the reason.',
  more: 'For the health check of a container. It reads the settings of the server from the same variables and the same file, and asks /readyz.',
  settings: ['host', 'port', 'tls_cert', 'config'],
  examples: ['health', 'health --port 8080'],
  async run(settings, terminal) {
    return (await import('../server/ask-health.ts')).askHealth(settings, terminal)
  },
})

/** A setting that is wrong is 1 too: Docker reserves the 2 of a health check. */
export const healthCommand: LocalCommand = {
  ...command,
  async run(given, terminal) {
    try {
      return await command.run(given, terminal)
    } catch (error) {
      throw error instanceof WrongSetting || error instanceof Failed ? new Failed(error.message) : error
    }
  },
}
