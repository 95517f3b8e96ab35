/** The upstreams that the settings name: one address, or a file; and `keyhall config check`. */
import { readFileSync } from 'node:fs'
import type { Config } from '../config.ts'
import { singleUpstream, wrongBaseUrl, type GatewayConfig } from '../gateway/config.ts'
import { readGatewayFile, type Problem } from '../gateway/read-file.ts'
import { Failed, wrongUsage, type ExitCode } from './failed.ts'
import { suggestion } from './suggestion.ts'
import type { Terminal } from './terminal.ts'

type Environment = Terminal['environment']

/** Null without any upstream. Throws Failed with a sentence for each thing that is wrong; `warn` gets the rest. */
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
  const { config, problems } = readGatewayFile(readText(path), { environment, suggest: suggestion })
  for (const problem of problems.filter(({ isWarning }) => isWarning)) warn(sentence(path, problem))
  const wrong = problems.filter(({ isWarning }) => !isWarning)
  if (!config) throw wrongUsage(wrong.map((problem) => sentence(path, problem)).join('\n'))
  return config
}

/** Prints what is wrong with a file, one line each, as compilers do. */
export function checkConfig(path: string, { environment, out, err }: Terminal): ExitCode {
  const { config, problems } = readGatewayFile(readText(path), { environment, suggest: suggestion })
  for (const problem of problems) err(`${sentence(path, problem)}\n`)
  if (!config) return 2
  const count = config.upstreams.length
  out(`${path} is right: ${count} ${count === 1 ? 'upstream' : 'upstreams'}.\n`)
  return 0
}

const sentence = (path: string, { line, column, message, isWarning }: Problem) =>
  `${path}:${line}:${column}: ${isWarning ? 'warning: ' : ''}${message}`

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new Failed(`The file ${path} cannot be read: ${(error as Error).message}.`, 2)
  }
}
