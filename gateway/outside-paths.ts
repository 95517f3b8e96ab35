/**
 * Paths outside `/v1` that model servers have, such as `/tokenize`. Only those are forwarded that
 * the file names, each exactly as it stands there: what is no path of the list is not forwarded.
 */
import { Type as t } from 'typebox'
import { gatewayPermissions } from '../contract/permissions.ts'
import { loggablePath, rawPath, searchOf } from '../http/url.ts'
import { permissionsFor, withoutLastSlash, type Target } from './target.ts'
import { isRead } from './request-methods.ts'

export const OutsidePaths = t.Array(t.String({ format: 'path' }), {
  description:
    'Paths outside `/v1` that are forwarded too, such as `/tokenize`: to the address of the upstream without its `/v1`, with the key checked. Each exactly as it is written here; none by default.',
})

/** The first segments of what Keyhall answers itself, and of what it forwards anyway. */
const ours = new Set([
  'v1',
  'verify',
  'metrics',
  'health',
  'livez',
  'readyz',
  'oauth',
  'invites',
  'console',
  'openapi.json',
])

/** What is wrong with a path, as the end of "must …"; null if nothing is. */
export function wrongPath(text: string): string | null {
  const [before, ...segments] = text.split('/')
  if (before !== '' || segments.length === 0) return 'begin with a slash, such as "/tokenize"'
  // Other characters can be written in several ways, which two servers could take for two paths.
  if (!segments.every((segment) => /^[\w.~-]+$/.test(segment) && !/^\.+$/.test(segment)))
    return 'be segments of letters, digits, "-", "_", "." and "~", with one slash before each and none at the end'
  if (ours.has(segments[0]!.toLowerCase()))
    return `not be below "/${segments[0]}", which Keyhall answers or forwards itself`
  return null
}

/** A path of the list with one slash too many at its end is taken, as below `/v1`. */
export const isOutsidePath = (paths: ReadonlySet<string>, url: string) =>
  paths.size > 0 && paths.has(withoutLastSlash(rawPath(url)))

/** Null for what is not in the list. */
export function outsideTarget(paths: ReadonlySet<string>, method: string, url: string): Target | null {
  if (!isOutsidePath(paths, url)) return null
  const path = withoutLastSlash(rawPath(url))
  const endpoint = path.toLowerCase()
  const area = endpoint.split('/', 2)[1]!
  const can = permissionsFor(area)
  const search = searchOf(url)
  return {
    path,
    isOutside: true,
    endpoint,
    shown: loggablePath(url),
    search: search && `?${search}`,
    model: null,
    deployment: null,
    operation: Object.hasOwn(gatewayPermissions, area) ? area : 'other',
    needed: isRead(method) ? can.read : can.write,
  }
}

/** The address of an upstream without the `/v1` at its end. */
export const rootOf = (base_url: string) => base_url.replace(/\/v1$/i, '')
