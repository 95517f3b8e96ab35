/**
 * Attributes of a token that are computed by expressions in CEL, Google's Common Expression
 * Language.
 *
 * What an expression costs is bounded before it is stored: it has at most 1024 characters and few
 * brackets inside one another, and it may not loop, so evaluating it visits each of its parts at
 * most once. Each part takes time in proportion to the token, which is bounded too. Regular
 * expressions are RE2, which is linear in the text, and stand in the expression as they are.
 */
import { invalid } from '../../contract/errors.ts'

export type Attribute = string | boolean | number

const DEEPEST = 12
const MOST_PATTERNS = 2
const LONGEST_PATTERN = 200
const LONGEST_RESULT = 1024

/** Computes the attribute from the claims; undefined where the expression has no usable value. */
type Evaluate = (claims: Record<string, unknown>) => Attribute | undefined

/** The package is loaded when the first expression is needed. */
const cel = () => import('@bufbuild/cel')

/** Throws 400 for an expression that cannot be parsed or could cost too much. */
export async function requireEvaluable(expression: string, param: string): Promise<void> {
  try {
    await compile(expression)
  } catch (error) {
    throw invalid(`Invalid '${param}': ${(error as Error).message.slice(0, 200)}`, param, 'unusable_value')
  }
}

const MOST_COMPILED = 500
const compiled = new Map<string, Promise<Evaluate>>()

/** The expression ready to be evaluated. Throws a sentence. */
export function compile(expression: string): Promise<Evaluate> {
  let found = compiled.get(expression)
  if (!found) {
    if (compiled.size >= MOST_COMPILED) compiled.clear()
    compiled.set(expression, (found = build(expression)))
    found.catch(() => compiled.delete(expression))
  }
  return found
}

async function build(expression: string): Promise<Evaluate> {
  if (depthOf(expression) > DEEPEST) throw new Error(`more than ${DEEPEST} brackets are open at the same time.`)
  const { celEnv, isCelError, parse, plan } = await cel()
  const parsed = parse(expression)
  requireBounded(parsed.expr)
  const run = plan(celEnv(), parsed)
  return (claims) => {
    const value = run({ assertion: claims as never })
    if (isCelError(value)) return undefined
    if (typeof value === 'bigint') return Number(value)
    if (typeof value === 'string') return value.length <= LONGEST_RESULT ? value : undefined
    return typeof value === 'boolean' || typeof value === 'number' ? value : undefined
  }
}

/** Most brackets that are open at once. Those in texts count too, which only makes it stricter. */
function depthOf(expression: string): number {
  let depth = 0
  let deepest = 0
  for (const character of expression) {
    if ('([{'.includes(character)) deepest = Math.max(deepest, ++depth)
    if (')]}'.includes(character)) depth = Math.max(0, depth - 1)
  }
  return deepest
}

interface Node {
  exprKind?: { case?: string; value?: any }
}

/** Throws for what loops over a list, and for patterns that are not written out. */
function requireBounded(root: unknown) {
  let patterns = 0
  const nodes = [root as Node | undefined]
  for (let node = nodes.pop(); node; node = nodes.pop()) {
    const { case: kind, value } = node.exprKind ?? {}
    if (kind === 'comprehensionExpr') throw new Error('all, exists, exists_one, filter and map are not available.')
    if (kind === 'structExpr') throw new Error('maps and messages cannot be made.')
    if (kind === 'identExpr' && value.name !== 'assertion')
      throw new Error(`'${value.name}' is not known; the claims are in 'assertion'.`)
    if (kind === 'selectExpr') nodes.push(value.operand)
    if (kind === 'listExpr') nodes.push(...value.elements)
    if (kind !== 'callExpr') continue
    nodes.push(...(value.target ? [value.target] : []), ...value.args)
    if (value.function !== 'matches') continue
    if (++patterns > MOST_PATTERNS) throw new Error(`matches stands there more than ${MOST_PATTERNS} times.`)
    requirePattern(value.args.at(-1))
  }
}

function requirePattern(node: Node | undefined) {
  const pattern = node?.exprKind?.value?.constantKind
  if (node?.exprKind?.case !== 'constExpr' || pattern?.case !== 'stringValue')
    throw new Error('the pattern of matches must be written out as a text.')
  // Counted repetitions become so many states, each of which costs time for each character.
  const counts = (pattern.value as string).match(/\{\d+/g) ?? []
  if (counts.length > 1 || /\{(\d+,)?\d{3}/.test(pattern.value as string))
    throw new Error('the pattern of matches has at most one repetition with a number, of less than 100.')
  if (pattern.value.length > LONGEST_PATTERN)
    throw new Error(`the pattern of matches has at most ${LONGEST_PATTERN} characters.`)
}
