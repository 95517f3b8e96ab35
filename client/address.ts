/** Builds the URL of a call from its path and values. */
import { KeyhallError } from './api-errors.ts'

/**
 * Fills the braces of a path. Throws KeyhallError for an id that would lead to another path:
 * an empty one, `.` or `..`.
 */
export const fillPath = (path: string, values: Record<string, unknown>) =>
  path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name]
    if (typeof value !== 'string' && typeof value !== 'number')
      throw new KeyhallError(`${name} must be given: ${path} cannot be called without it.`)
    const text = String(value)
    if (text === '' || text === '.' || text === '..' || !text.isWellFormed())
      throw new KeyhallError(`${name} cannot be ${JSON.stringify(text)}: ${path} would be another path.`)
    return encodeURIComponent(text)
  })

/**
 * A query string with its question mark, or nothing. Arrays are written `name[]=a&name[]=b`,
 * objects `name[member]=a`.
 */
export function queryString(query: Record<string, unknown>): string {
  const pairs = new URLSearchParams()
  const add = (name: string, value: unknown) => {
    if (value === undefined || value === null) return
    if (Array.isArray(value)) for (const item of value) add(`${name}[]`, item)
    else if (value instanceof Date) pairs.append(name, value.toISOString())
    else if (typeof value === 'object')
      for (const [member, inner] of Object.entries(value)) add(`${name}[${member}]`, inner)
    else pairs.append(name, `${value as string | number | boolean}`)
  }
  for (const [name, value] of Object.entries(query)) add(name, value)
  const text = pairs.toString()
  return text && `?${text}`
}
