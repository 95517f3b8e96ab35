/** The upstreams that the settings name: one address, or a file. */
import type { Config } from './config.ts'
import { singleUpstream, wrongBaseUrl, type GatewayConfig } from '../gateway/upstream-config.ts'
import type { Gravity } from '../gateway/check-models.ts'
import { readGatewayFile } from '../gateway/config-file.ts'
import { wrongUsage } from '../world/failed.ts'
import type { Terminal } from '../world/terminal.ts'
import { fileContext, problemSentence, readText } from './file-settings.ts'

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
  const wrong = upstream && wrongBaseUrl(upstream)
  if (wrong) throw wrongUsage(`KEYHALL_UPSTREAM must ${wrong}.`)
  const single = upstream === null ? null : singleUpstream(upstream, upstream_api_key)
  if (path === null) return single
  const { config, problems } = readGatewayFile(readText(path), fileContext(environment, null))
  const sentences = (wanted: Gravity) =>
    problems.filter(({ gravity }) => gravity === wanted).map((problem) => problemSentence(path, problem))
  for (const one of sentences('warning')) warn(one)
  if (!config) throw wrongUsage(sentences('error').join('\n'))
  if (single === null) return config
  if (config.upstreams.length > 0)
    throw wrongUsage('KEYHALL_UPSTREAM and KEYHALL_CONFIG say the same thing twice; give one of them.')
  return { ...config, upstreams: single.upstreams }
}
