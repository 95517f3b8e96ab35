/**
 * Parses the text of `keyhall.yaml` into upstreams, or reports all its problems by line and column.
 * No message has a secret.
 */
import { checkModels, type Gravity } from './check-models.ts'
import { failOverOf } from './fail-over.ts'
import { modelSettings, type ModelInFile } from './model-config.ts'
import { passingHeaders } from './passing-headers.ts'
import { oidcConfig, type SignInInFile } from './sign-in-config.ts'
import { spendConfig, type SpendInFile } from './spend-config.ts'
import { FileParser, type FileContext, type Problem, type Schema } from './file-parser.ts'
import { FileServer } from './server-section.ts'
import { Secret } from '../world/secret.ts'
import { GatewayFile, singleUpstream, type GatewayConfig, type UpstreamConfig } from './upstream-config.ts'

interface FileUpstream {
  name: string
  base_url: string
  api_key?: string
  models?: string[]
  weight?: number
  default?: boolean
  timeouts?: { first_byte?: number; idle?: number }
  fail_over_on?: (number | string)[]
  headers?: string[]
}

/** `config` is null when a problem is more than a warning. */
export function readGatewayFile(
  text: string,
  context: FileContext,
): { config: GatewayConfig | null; problems: Problem[] } {
  const parser = new FileParser(text, context)
  const read = parser.file(GatewayFile as Schema)
  const {
    upstreams = [],
    models = [],
    paths = [],
    spend = {},
    sign_in = {},
  } = (read ?? {}) as {
    upstreams?: FileUpstream[]
    models?: ModelInFile[]
    paths?: string[]
    spend?: SpendInFile
    sign_in?: SignInInFile
  }
  checkAcross(parser, upstreams)
  checkPaths(parser, paths)
  const report = (path: readonly (string | number)[], message: string, gravity: Gravity) =>
    parser.report(parser.at('models', ...path), message, gravity)
  checkModels(models, context.now, report)
  const problems = parser.inOrder
  const isUsable = read && problems.every(({ gravity }) => gravity !== 'error')
  return {
    config: isUsable
      ? {
          upstreams: upstreams.map(withDefaults),
          models: models.map(modelSettings),
          paths,
          spend: spendConfig(spend),
          sign_in: oidcConfig(sign_in),
        }
      : null,
    problems,
  }
}

/**
 * The settings of the server that stand in the file. Nothing else of it is looked at, so that a
 * command on the host does not fail because of an upstream.
 */
export function readServerSection(text: string, context: FileContext) {
  const parser = new FileParser(text, context)
  const section = parser.member('server', FileServer as Schema) as Record<string, string | number> | undefined
  const lineOf = (name: string) => parser.lineOf('server', name)
  return { section: section ?? {}, problems: parser.inOrder, lineOf }
}

/** Checks that compare upstreams with each other. */
function checkAcross(parser: FileParser, upstreams: FileUpstream[]) {
  const at = (index: number, member: string) => parser.at('upstreams', index, member)
  const names = upstreams.map(({ name }) => name)
  names.forEach((name, index) => {
    if (names.indexOf(name) < index)
      parser.report(at(index, 'name'), `There are two upstreams with the name "${name}".`)
  })
  const defaults = upstreams.flatMap((upstream, index) => (upstream.default ? [index] : []))
  for (const index of defaults.slice(1)) parser.report(at(index, 'default'), 'Only one upstream can be the default.')
}

function checkPaths(parser: FileParser, paths: readonly string[]) {
  for (const [index, path] of paths.entries())
    if (paths.indexOf(path) < index) parser.report(parser.at('paths', index), `"${path}" is in the list twice.`)
}

function withDefaults({
  name,
  base_url,
  api_key,
  models,
  weight,
  default: is_default,
  timeouts,
  fail_over_on,
  headers,
}: FileUpstream): UpstreamConfig {
  const defaults = singleUpstream(base_url, api_key === undefined ? null : new Secret(api_key)).upstreams[0]!
  return {
    ...defaults,
    name,
    models: models ?? null,
    weight: weight ?? 1,
    is_default: is_default ?? false,
    first_byte_milliseconds: (timeouts?.first_byte ?? defaults.first_byte_milliseconds / 1000) * 1000,
    idle_milliseconds: (timeouts?.idle ?? defaults.idle_milliseconds / 1000) * 1000,
    fail_over: fail_over_on ? failOverOf(fail_over_on) : defaults.fail_over,
    headers: passingHeaders(headers ?? []),
  }
}
