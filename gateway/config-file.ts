/**
 * Parses the text of `keyhall.yaml` into upstreams, or reports all its problems by line and column.
 * No message has a secret.
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node } from 'yaml'
import { checkModels, type Gravity } from './check-models.ts'
import { failOverOf, wrongStatus } from './fail-over.ts'
import { modelSettings, type ModelInFile } from './model-config.ts'
import { passingHeaders, wrongHeader } from './passing-headers.ts'
import { isReadOnTheWay, spendConfig, wrongWebhookSecret, wrongWebhookUrl, type SpendInFile } from './spend-config.ts'
import { wrongPath } from './outside-paths.ts'
import { Secret } from '../world/secret.ts'
import {
  GatewayFile,
  singleUpstream,
  wrongBaseUrl,
  type GatewayConfig,
  type UpstreamConfig,
} from './upstream-config.ts'

export interface Problem {
  line: number
  column: number
  message: string
  /** Only an error keeps the file from being used. */
  gravity: Gravity
}

interface FileContext {
  environment: Record<string, string | undefined>
  /** The name that was probably meant where one does not exist. */
  suggest: (written: string, names: readonly string[]) => string | undefined
  /** Unix seconds; null where nobody reads notes. */
  now: number | null
}

/** The part of JSON Schema that the file's schema uses. */
interface Schema {
  type?: 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean'
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  minItems?: number
  minLength?: number
  minimum?: number
  maximum?: number
  pattern?: string
  format?: string
}

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
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true })
  const parser = new Parser(document, lines, context)
  for (const { pos, message } of document.errors) parser.report(pos[0], `This is not correct YAML: ${message}.`)
  const read = document.errors.length === 0 ? parser.value(document.contents, GatewayFile as Schema, 'The file') : null
  const {
    upstreams,
    models = [],
    paths = [],
    spend = {},
  } = (read ?? {}) as {
    upstreams?: FileUpstream[]
    models?: ModelInFile[]
    paths?: string[]
    spend?: SpendInFile
  }
  if (upstreams) parser.checkAcross(upstreams)
  parser.checkPaths(paths)
  parser.checkModels(models)
  const problems = parser.problems.toSorted((one, other) => one.line - other.line || one.column - other.column)
  const isUsable = upstreams && problems.every(({ gravity }) => gravity !== 'error')
  return {
    config: isUsable
      ? { upstreams: upstreams.map(withDefaults), models: models.map(modelSettings), paths, spend: spendConfig(spend) }
      : null,
    problems,
  }
}

/** What is wrong with a text, as the end of "must …". */
const formats: Record<string, (text: string) => string | null> = {
  uri: wrongBaseUrl,
  header: wrongHeader,
  path: wrongPath,
  'webhook-url': wrongWebhookUrl,
  'webhook-secret': wrongWebhookSecret,
}

class Parser {
  readonly problems: Problem[] = []
  readonly #document: Document
  readonly #lines: LineCounter
  readonly #context: FileContext

  constructor(document: Document, lines: LineCounter, context: FileContext) {
    this.#document = document
    this.#lines = lines
    this.#context = context
  }

  report(at: Node | number | null, message: string, gravity: Gravity = 'error') {
    const { line, col } = this.#lines.linePos(typeof at === 'number' ? at : (at?.range?.[0] ?? 0))
    this.problems.push({ line, column: col, message, gravity })
  }

  /** The value of a node; undefined when it is wrong, which is reported. */
  value(node: unknown, schema: Schema, what: string): unknown {
    if (isAlias(node)) return this.value(node.resolve(this.#document), schema, what)
    const at = node as Node | null
    if (schema.type === 'object') return this.#object(at, schema, what)
    if (schema.type === 'array') return this.#list(at, schema, what)
    const value = isScalar(at) ? at.value : undefined
    if (schema.format === 'status') {
      const wrong = wrongStatus(value)
      return wrong ? this.report(at, `${what} must ${wrong}.`) : value
    }
    if (schema.type === 'string') return this.#text(at, value, schema, what)
    if (schema.type === 'boolean')
      return typeof value === 'boolean' ? value : this.report(at, `${what} must be true or false.`)
    const { minimum = -Infinity, maximum = Infinity } = schema
    const isRight = typeof value === 'number' && (schema.type === 'number' || Number.isInteger(value))
    if (!isRight || value < minimum || value > maximum)
      return this.report(
        at,
        `${what} must be a ${schema.type === 'integer' ? 'whole ' : ''}number from ${minimum} to ${maximum}.`,
      )
    return value
  }

  #object(at: Node | null, { properties = {}, required = [] }: Schema, what: string) {
    if (!isMap(at)) return this.report(at, `${what} must have members: ${Object.keys(properties).join(', ')}.`)
    const value: Record<string, unknown> = {}
    for (const { key, value: node } of at.items) {
      const name = String(isScalar(key) ? key.value : key)
      if (Object.hasOwn(properties, name)) {
        value[name] = this.value(node ?? key, properties[name]!, what === 'The file' ? name : `${what}.${name}`)
        continue
      }
      const names = Object.keys(properties)
      const meant = this.#context.suggest(name, names)
      this.report(
        key as Node,
        `There is no "${name}" here; ${meant ? `did you mean "${meant}"?` : `there are ${names.join(', ')}.`}`,
      )
    }
    for (const name of required) if (!at.has(name)) this.report(at, `${what} must have "${name}".`)
    return required.every((name) => value[name] !== undefined) ? value : undefined
  }

  #list(at: Node | null, { items = {}, minItems = 0 }: Schema, what: string) {
    if (!isSeq(at) || at.items.length < minItems)
      return this.report(at, `${what} must be a list${minItems > 0 ? ' with at least one entry' : ''}.`)
    const values = at.items.map((item, index) => this.value(item, items, `${what}[${index}]`))
    return values.every((value) => value !== undefined) ? values : undefined
  }

  #text(at: Node | null, written: unknown, { pattern, minLength = 0, ...schema }: Schema, what: string) {
    if (typeof written !== 'string')
      return this.report(at, `${what} must be text${isScalar(at) && at.value !== null ? '; put it in quotes' : ''}.`)
    const text = this.#withEnvironment(at, written)
    if (text === undefined) return undefined
    if (text.length < minLength) return this.report(at, `${what} must not be empty.`)
    if (pattern && !new RegExp(pattern).test(text)) return this.report(at, `${what} must match ${pattern}.`)
    const wrong = formats[schema.format ?? '']?.(text)
    if (wrong) return this.report(at, `${what} must ${wrong}.`)
    if (schema.format === 'webhook-url' && isReadOnTheWay(text))
      this.report(at, `${what} begins with http://, so that everybody on the way can read what is posted.`, 'warning')
    if (schema.format === 'uri' && new URL(text).pathname === '/')
      this.report(
        at,
        `${what} has no path; the address of an OpenAI-compatible server usually ends in "/v1".`,
        'warning',
      )
    const isSecret = what.endsWith('.api_key') || schema.format === 'webhook-secret'
    if (isSecret && !written.includes('${'))
      this.report(at, `${what} stands in the file; "\${NAME}" takes it from the environment instead.`, 'warning')
    if (what.endsWith('.api_key') && !/^[\x21-\x7e]+$/.test(text))
      return this.report(at, `${what} must be printable characters without spaces.`)
    return text
  }

  /** With every `${NAME}` replaced. */
  #withEnvironment(at: Node | null, text: string): string | undefined {
    let isWhole = true
    const replaced = text.replace(/\$\{([^}]*)\}?/g, (reference, name: string) => {
      const isName = /^\$\{[A-Za-z_][A-Za-z0-9_]*\}$/.test(reference)
      const value = isName ? this.#context.environment[name] : undefined
      if (value) return value
      isWhole = false
      this.report(
        at,
        isName
          ? `The environment variable ${name} is not set.`
          : `"\${" must be followed by the name of an environment variable and "}".`,
      )
      return ''
    })
    return isWhole ? replaced : undefined
  }

  /** Checks that compare upstreams with each other. */
  checkAcross(upstreams: FileUpstream[]) {
    const at = (index: number, member: string) =>
      this.#document.getIn(['upstreams', index, member], true) as Node | null
    const names = upstreams.map(({ name }) => name)
    names.forEach((name, index) => {
      if (names.indexOf(name) < index)
        this.report(at(index, 'name'), `There are two upstreams with the name "${name}".`)
    })
    const defaults = upstreams.flatMap((upstream, index) => (upstream.default ? [index] : []))
    for (const index of defaults.slice(1)) this.report(at(index, 'default'), 'Only one upstream can be the default.')
  }

  checkPaths(paths: readonly string[]) {
    for (const [index, path] of paths.entries())
      if (paths.indexOf(path) < index)
        this.report(this.#document.getIn(['paths', index], true) as Node | null, `"${path}" is in the list twice.`)
  }

  checkModels(models: readonly ModelInFile[]) {
    const at = (path: readonly (string | number)[]) => this.#document.getIn(['models', ...path], true) as Node | null
    checkModels(models, this.#context.now, (path, message, gravity) => this.report(at(path), message, gravity))
  }
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
