/** Secrets that stand in files, as Docker, Kubernetes and systemd hand them to a service. */
import { readFileSync } from 'node:fs'
import type { Terminal } from '../world/terminal.ts'
import { setting, WrongSetting } from './setting.ts'

/** The setting that names a file with the value of another; `what` says what that is. */
export const fileOf = (env: string, what: string) =>
  setting({
    env: `${env}_FILE`,
    value: 'FILE',
    default: null,
    about: `A file that holds ${what}, in the place of \`${env}\`. A line break at its end is left out.`,
    parse: (text) => text,
  })

/** The text of a file that `source`, a setting, names. Throws WrongSetting with a sentence. */
export function readSecretFile(source: string, path: string): string {
  let text: string
  try {
    text = readFileSync(path, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    throw new WrongSetting(`${source} names ${path}, which cannot be read: ${(error as Error).message}.`)
  }
  if (text === '') throw new WrongSetting(`${source} names ${path}, which is empty.`)
  return text
}

/**
 * How `${NAME}` in `keyhall.yaml` is read: from the variable NAME, or from the file that NAME_FILE
 * names.
 */
export const variableIn = (environment: Terminal['environment']) => (name: string) => {
  const text = environment[name]
  const path = environment[`${name}_FILE`]
  if (text && path) return { wrong: `${name} and ${name}_FILE say the same thing twice; set one of them.` }
  if (text) return { text }
  if (!path) return null
  try {
    return { text: readSecretFile(`${name}_FILE`, path) }
  } catch (error) {
    if (error instanceof WrongSetting) return { wrong: error.message }
    throw error
  }
}
