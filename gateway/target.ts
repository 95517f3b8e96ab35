/**
 * What a model request asks for, read from its URL: parsed once, so that permission and forwarding
 * cannot see two different paths.
 */
import { gatewayPermissions, otherGatewayPermission } from '../contract/permissions.ts'
import { isRead } from './request-methods.ts'
import { loggablePath, rawPath, searchOf, startOfPath } from '../http/url.ts'

export interface Target {
  /** Below `/v1`, with its leading slash, as the upstream gets it. */
  path: string
  /** Whether the path is not below `/v1`, but one that the configuration names. */
  isOutside: boolean
  /** The same decoded and in lower case: routers that do either would take it for this. */
  endpoint: string
  /** The whole path, as the log may show it. */
  shown: string
  /** The query string with its question mark, or nothing. */
  search: string
  /** The model that `GET /models/{model}` names; the gateway answers that itself. */
  model: string | null
  /**
   * The model that the path names as Azure's clients do, `/deployments/{model}/chat/completions`;
   * `path` and `endpoint` are without it.
   */
  deployment: string | null
  /**
   * The first segment if it is a known one, else `other`: the metrics count by it. Null for a path
   * that is not forwarded.
   */
  operation: string | null
  /** The permission that the caller's key must have. */
  needed: string
}

const BASE = '/v1'
/** What no path below `/v1` begins with: a base URL was put together wrongly. */
const FIRST = 'v1'
const ADMINISTRATION = new Set(['organization', 'projects'])

/** Whether a URL is for the gateway: below `/v1`, and not administration. */
export function isForGateway(url: string): boolean {
  const start = startOfPath(url)
  if (!url.startsWith(`${BASE}/`, start)) return false
  const from = start + BASE.length + 1
  const end = url.indexOf('/', from)
  const first = url.slice(from, end < 0 ? undefined : end).split(/[?#]/, 1)[0]!
  return !ADMINISTRATION.has(((first.includes('%') ? decode(first) : first) ?? '').toLowerCase())
}

/** A path that is not forwarded; who asks is still authenticated before hearing so. */
export const unknownTarget = (shown: string): Target => ({
  path: '',
  isOutside: false,
  endpoint: '',
  shown,
  search: '',
  model: null,
  deployment: null,
  operation: null,
  needed: otherGatewayPermission,
})

/**
 * Whether the first segment below `/v1` is one that the gateway has a permission of its own for.
 */
export function isKnownArea(url: string): boolean {
  const [, area = ''] = /^\/v1\/([^/]*)/.exec(rawPath(url)) ?? []
  return Object.hasOwn(gatewayPermissions, (decode(area) ?? '').toLowerCase())
}

/** Memo of the targets of URLs that come again and again; cleared when it is full. */
const known = new Map<string, Target>()
const MOST_KNOWN = 200
const LONGEST_KNOWN = 200

/**
 * Null for paths that are not forwarded: those of the administration, and those that two servers
 * could read in two ways.
 */
export function targetOf(method: string, url: string): Target | null {
  const name = `${method} ${url}`
  const before = known.get(name)
  if (before) return before
  const target = readTarget(method, url)
  if (known.size >= MOST_KNOWN) known.clear()
  // A query string may hold a key, which is not to stay in memory.
  if (target?.search === '' && target.model === null && name.length <= LONGEST_KNOWN) known.set(name, target)
  return target
}

function readTarget(method: string, url: string): Target | null {
  const pathname = rawPath(url)
  if (!pathname.startsWith(`${BASE}/`)) return null
  const whole = withoutLastSlash(pathname.slice(BASE.length))
  const model = isRead(method) ? modelNamed(whole) : null
  const all = model === null ? whole.slice(1).split('/').map(decodeSegment) : ['models']
  if (!all.every((segment) => segment !== null)) return null
  const deployment = deploymentIn(all)
  const segments = deployment === null ? all : all.slice(2)
  const path = deployment === null ? whole : `/${whole.split('/').slice(3).join('/')}`
  const area = segments[0]!.toLowerCase()
  if (ADMINISTRATION.has(area) || area === FIRST) return null
  const isNamed = Object.hasOwn(gatewayPermissions, area)
  const can = permissionsFor(area)
  const search = searchOf(url)
  return {
    path,
    isOutside: false,
    endpoint: `/${segments.join('/').toLowerCase()}`,
    shown: loggablePath(url),
    search: search && `?${search}`,
    model,
    deployment,
    operation: isNamed ? area : 'other',
    needed: isRead(method) ? can.read : can.write,
  }
}

/** What a path needs whose first segment this is. */
export const permissionsFor = (area: string) =>
  Object.hasOwn(gatewayPermissions, area)
    ? gatewayPermissions[area]!
    : { read: otherGatewayPermission, write: otherGatewayPermission }

/**
 * Clients write one slash too many. The upstream gets the path without it, so that it cannot read
 * another path than we did.
 */
export const withoutLastSlash = (path: string) => (path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path)

const LONGEST_DEPLOYMENT = 1024

function deploymentIn([first, deployment, endpoint]: readonly string[]): string | null {
  if (first!.toLowerCase() !== 'deployments' || deployment === undefined || endpoint === undefined) return null
  return deployment.length <= LONGEST_DEPLOYMENT ? deployment : null
}

/**
 * Null for a segment that is empty, malformed, or that a server behind us might split, drop or
 * resolve.
 */
function decodeSegment(segment: string): string | null {
  const decoded = decode(segment)
  return !decoded || /^\.{1,2}$|[/\\;]|\p{Cc}/u.test(decoded) ? null : decoded
}

/** Names of models have slashes, which clients send encoded or as they are. */
const modelNamed = (path: string) =>
  path.startsWith('/models/') ? decode(path.slice('/models/'.length)) || null : null

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}
