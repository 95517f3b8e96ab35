/** The upstreams that the settings name: one address, or a file; and `keyhall config check`. */
import { readFileSync } from 'node:fs'
import type { Config } from './config.ts'
import { singleUpstream, wrongBaseUrl, type GatewayConfig } from '../gateway/upstream-config.ts'
import type { Gravity } from '../gateway/check-models.ts'
import { readGatewayFile, type Problem } from '../gateway/config-file.ts'
import { Failed, wrongUsage, type ExitCode } from '../world/failed.ts'
import { suggestion } from '../world/suggestion.ts'
import type { Terminal } from '../world/terminal.ts'

type Environment = Terminal['environment']

/**
 * Null without any upstream. Throws Failed with a sentence for each thing that is wrong; `warn`
 * gets the rest.
 */
export function gatewayConfig(
  { upstream, upstream_api_key, config: path }: Pick<Config, 'upstream' | 'upstream_api_key' | 'config'>,
  environment: Environment,
  warn: (sentence: string) => void,
): GatewayConfig | null {
  if (path === null) {
    const wrong = upstream && wrongBaseUrl(upstream)
    if (wrong) throw wrongUsage(`KEYHALL_UPSTREAM must ${wrong}.`)
    return upstream === null ? null : singleUpstream(upstream, upstream_api_key)
  }
  if (upstream !== null)
    throw wrongUsage('KEYHALL_UPSTREAM and KEYHALL_CONFIG say the same thing twice; give one of them.')
  const { config, problems } = readGatewayFile(readText(path), { environment, suggest: suggestion, now: null })
  const sentences = (wanted: Gravity) =>
    problems.filter(({ gravity }) => gravity === wanted).map((problem) => sentence(path, problem))
  for (const one of sentences('warning')) warn(one)
  if (!config) throw wrongUsage(sentences('error').join('\n'))
  return config
}

/** Prints what is wrong with a file, one line each, as compilers do. */
export function checkConfig(path: string, { environment, now, out, err }: Terminal): ExitCode {
  const { config, problems } = readGatewayFile(readText(path), { environment, suggest: suggestion, now: now() / 1000 })
  for (const problem of problems) err(`${sentence(path, problem)}\n`)
  if (!config) return 2
  const { upstreams, models = [] } = config
  const others = models.length === 0 ? '' : `, ${counted(models.length, 'model or pattern', 'models and patterns')}`
  out(`${path} is right: ${counted(upstreams.length, 'upstream', 'upstreams')}${others}.\n`)
  return 0
}

const counted = (count: number, one: string, many: string) => `${count} ${count === 1 ? one : many}`

const sentence = (path: string, { line, column, message, gravity }: Problem) =>
  `${path}:${line}:${column}: ${gravity === 'error' ? '' : `${gravity}: `}${message}`

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new Failed(`The file ${path} cannot be read: ${(error as Error).message}.`, 2)
  }
}
