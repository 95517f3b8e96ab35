/**
 * The head of one part of a multipart form, read so that no other parser finds another field there:
 * a head that parsers read in different ways is refused.
 */
import { invalid } from '../contract/errors.ts'

export const malformedForm = () => invalid('We could not parse the multipart form of your request.', null, null)

export interface FieldHead {
  /** Null for a part without a name. */
  name: string | null
  /** Whether the value is text in UTF-8, not encoded in any way, and no file. */
  isPlainText: boolean
}

const HEADER = /^([!#$%&'*+\-.^_`|~\w]+):([^\r\n\0]*)$/

/**
 * Throws 400 for a head that other parsers could read in another way. `head` begins with the line
 * break that ends the delimiter, and ends before the empty line.
 */
export function fieldIn(head: string): FieldHead {
  const headers = new Map<string, string>()
  for (const line of head.split('\r\n').slice(1)) {
    // Also refuses a header that continues in the next line, and lines that end in another way.
    const [, name, value] = HEADER.exec(line) ?? []
    if (name === undefined || headers.has(name.toLowerCase())) throw malformedForm()
    headers.set(name.toLowerCase(), value!)
  }
  const disposition = headers.get('content-disposition')
  // What has the name of a file is no field for most servers.
  const isFile = /;\s*filename\b/i.test(disposition ?? '')
  return {
    name: disposition === undefined ? null : nameIn(disposition),
    isPlainText: !isFile && isPlainText(headers),
  }
}

/**
 * In a quoted value a backslash escapes the next character for most servers; browsers mean the
 * backslash itself. Both readings must find the same name.
 */
function nameIn(disposition: string): string | null {
  const escaping = namesIn(disposition, /\s*;\s*([^\s=;"]+)\s*=\s*("(?:\\.|[^"\\])*"|[^;"]*)/gy)
  const literal = namesIn(disposition, /\s*;\s*([^\s=;"]+)\s*=\s*("[^"]*"|[^;"]*)/gy)
  const [names, ...others] = [escaping?.map(unescaped), literal].filter((found) => found !== undefined)
  if (!names || names.length > 1 || others.some((other) => other[0] !== names[0])) throw malformedForm()
  return names[0] ?? null
}

const unescaped = (name: string) => name.replaceAll(/\\(.)/g, '$1')

/** All values of `name`; nothing where the text cannot be read in this way. */
function namesIn(disposition: string, parameter: RegExp): string[] | undefined {
  const text = disposition.replace(/^[^;]*/, '').replace(/[\s;]*$/, '')
  const names: string[] = []
  let end = 0
  for (const [whole, name, value] of text.matchAll(parameter)) {
    end += whole.length
    // `name*` has a character set, and `name*0` only a part of the name.
    if (/^name\*/i.test(name!)) throw malformedForm()
    if (/^name$/i.test(name!)) names.push(value!.trim().replace(/^"(.*)"$/, '$1'))
  }
  return end === text.length ? names : undefined
}

/** Some servers decode a value whose head says that it is encoded; the gateway does not. */
function isPlainText(headers: ReadonlyMap<string, string>): boolean {
  const encoding = headers.get('content-transfer-encoding')?.trim() ?? 'binary'
  const charset = /;\s*charset\s*=\s*"?([^\s;"]*)/i.exec(headers.get('content-type') ?? '')?.[1] ?? 'utf-8'
  return /^(7bit|8bit|binary)$/i.test(encoding) && /^(utf-?8|us-ascii)$/i.test(charset)
}
