/**
 * Parses parts of `keyhall.yaml` by their schemas, and reports what is wrong by line and column. No
 * message has a secret.
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node } from 'yaml'
import type { Gravity } from './check-models.ts'
import { wrongStatus } from './fail-over.ts'
import { wrongPath } from './outside-paths.ts'
import { wrongHeader } from './passing-headers.ts'
import { wrongIssuer, wrongMailDomain, wrongNewcomers } from './sign-in-config.ts'
import { isReadOnTheWay, wrongWebhookSecret, wrongWebhookUrl } from './spend-config.ts'
import { wrongBaseUrl } from './upstream-config.ts'

export interface Problem {
  line: number
  column: number
  message: string
  /** Only an error keeps the file from being used. */
  gravity: Gravity
  /** The name of a secret that is written there, and not taken from the environment. */
  secret?: string
}

export interface FileContext {
  /** A variable of the environment, or what is wrong with it; null where it is not set. */
  variable: (name: string) => { text: string } | { wrong: string } | null
  /** The name that was probably meant where one does not exist. */
  suggest: (written: string, names: readonly string[]) => string | undefined
  /** Unix seconds; null where nobody reads notes. */
  now: number | null
}

/** The part of JSON Schema that the file's schema uses. */
export interface Schema {
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

/** What is wrong with a text, as the end of "must …". */
const formats: Record<string, (text: string) => string | null> = {
  uri: wrongBaseUrl,
  header: wrongHeader,
  path: wrongPath,
  'webhook-url': wrongWebhookUrl,
  'webhook-secret': wrongWebhookSecret,
  issuer: wrongIssuer,
  'mail-domain': wrongMailDomain,
  newcomers: wrongNewcomers,
}

export class FileParser {
  readonly problems: Problem[] = []
  readonly #document: Document
  readonly #lines = new LineCounter()
  readonly #context: FileContext

  constructor(text: string, context: FileContext) {
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, uniqueKeys: true })
    this.#context = context
    for (const { pos, message } of this.#document.errors) this.report(pos[0], `This is not correct YAML: ${message}.`)
  }

  /** The whole file; undefined when it is wrong, which is reported. */
  file(schema: Schema): unknown {
    return this.#isYaml ? this.value(this.#document.contents, schema, 'The file') : undefined
  }

  /** One member of the file; undefined when it is not there, or wrong, which is reported. */
  member(name: string, schema: Schema): unknown {
    const node = this.#isYaml ? this.at(name) : null
    return node ? this.value(node, schema, name) : undefined
  }

  get #isYaml() {
    return this.#document.errors.length === 0
  }

  /** Where something stands in the file. */
  at(...path: (string | number)[]): Node | null {
    return (isMap(this.#document.contents) ? this.#document.getIn(path, true) : null) as Node | null
  }

  lineOf(...path: (string | number)[]): number {
    return this.#lines.linePos(this.at(...path)?.range?.[0] ?? 0).line
  }

  /** All problems in the order of the file. */
  get inOrder(): Problem[] {
    return this.problems.toSorted((one, other) => one.line - other.line || one.column - other.column)
  }

  report(at: Node | number | null, message: string, gravity: Gravity = 'error', more: Pick<Problem, 'secret'> = {}) {
    const { line, col } = this.#lines.linePos(typeof at === 'number' ? at : (at?.range?.[0] ?? 0))
    this.problems.push({ line, column: col, message, gravity, ...more })
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
    if (!written.includes('${')) this.#warnOfSecret(at, text, what, schema)
    if (what.endsWith('.api_key') && !/^[\x21-\x7e]+$/.test(text))
      return this.report(at, `${what} must be printable characters without spaces.`)
    return text
  }

  #warnOfSecret(at: Node | null, text: string, what: string, { format }: Schema) {
    const warn = (sentence: string) => this.report(at, sentence, 'warning', { secret: what })
    if (/\.(api_key|client_secret)$/.test(what) || format === 'webhook-secret')
      warn(`${what} stands in the file; "\${NAME}" takes it from the environment instead.`)
    if (what === 'server.database' && /^postgres(ql)?:\/\/([^/@]*:[^/@]+@|.*[?&][^=&]*pass[^=&]*=)/i.test(text))
      warn(`${what} has a password in the file; "\${NAME}" takes it from the environment.`)
  }

  /** With every `${NAME}` replaced. */
  #withEnvironment(at: Node | null, text: string): string | undefined {
    let isWhole = true
    const replaced = text.replace(/\$\{([^}]*)\}?/g, (reference, name: string) => {
      const isName = /^\$\{[A-Za-z_][A-Za-z0-9_]*\}$/.test(reference)
      const value = isName ? this.#context.variable(name) : null
      if (value && 'text' in value) return value.text
      isWhole = false
      const unset = isName
        ? `The environment variable ${name} is not set.`
        : `"\${" must be followed by the name of an environment variable and "}".`
      this.report(at, value?.wrong ?? unset)
      return ''
    })
    return isWhole ? replaced : undefined
  }
}
