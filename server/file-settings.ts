/** The settings of the server that `keyhall.yaml` has, in its part `server:`. */
import { readFileSync } from 'node:fs'
import { readServerSection } from '../gateway/config-file.ts'
import type { FileContext, Problem } from '../gateway/file-parser.ts'
import { Failed, wrongUsage } from '../world/failed.ts'
import { suggestion } from '../world/suggestion.ts'
import type { Terminal } from '../world/terminal.ts'
import { variableIn } from './secret-files.ts'

export interface FileSettings {
  /** By the name of the setting, as the environment would have it. */
  values: Readonly<Record<string, string>>
  /** Which line has it. */
  lineOf: (name: string) => number
}

/** What a reader of the file asks outside of it. */
export const fileContext = (environment: Terminal['environment'], now: number | null): FileContext => ({
  variable: variableIn(environment),
  suggest: suggestion,
  now,
})

export const noFile: FileSettings = { values: {}, lineOf: () => 0 }

/** Throws Failed with a sentence for each thing that is wrong. */
export function readFileSettings(path: string, environment: Terminal['environment']): FileSettings {
  const { section, problems, lineOf } = readServerSection(readText(path), fileContext(environment, null))
  const errors = problems.filter(({ gravity }) => gravity === 'error')
  if (errors.length > 0) throw wrongUsage(errors.map((problem) => problemSentence(path, problem)).join('\n'))
  return { values: Object.fromEntries(Object.entries(section).map(([name, value]) => [name, String(value)])), lineOf }
}

/** What is new in the file and waits for the next start, as the names of the settings. */
export const changedSettings = ({ values: before }: FileSettings, { values: after }: FileSettings) =>
  Object.keys({ ...before, ...after }).filter((name) => before[name] !== after[name])

export const problemSentence = (path: string, { line, column, message }: Problem) =>
  `${path}:${line}:${column}: ${message}`

export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new Failed(`The file ${path} cannot be read: ${(error as Error).message}.`, 2)
  }
}
