/** What a model request asks for, read from its URL: parsed once, so that permission and forwarding cannot see two different paths. */
import { gatewayPermissions, otherGatewayPermission } from '../contract/permissions.ts'
import { pathnameOf, pathOf, searchOf, startOfPath } from '../http/answer.ts'

export interface Target {
  /** Below `/v1`, with its leading slash, as the upstream gets it. */
  path: string
  /** The whole path, as the log may show it. */
  shown: string
  /** The query string with its question mark, or nothing. */
  search: string
  /** The model that `GET /models/{model}` names; the gateway answers that itself. */
  model: string | null
  /** The first segment if it is a known one, else `other`: what is counted by. */
  operation: string
  /** The permission that the caller's key must have. */
  needed: string
}

const BASE = '/v1'
const ADMINISTRATION = new Set(['organization', 'projects'])

/** Whether a URL is for the gateway: below `/v1`, and not administration. */
export function isForGateway(url: string): boolean {
  const start = startOfPath(url)
  if (!url.startsWith(`${BASE}/`, start)) return false
  const from = start + BASE.length + 1
  const end = url.indexOf('/', from)
  const first = url.slice(from, end < 0 ? undefined : end).split(/[?#]/, 1)[0]!
  return !ADMINISTRATION.has((decode(first) ?? '').toLowerCase())
}

/** What was read of the URLs that come again and again. The whole map is forgotten when it is full. */
const known = new Map<string, Target>()
const MOST_KNOWN = 200
const LONGEST_KNOWN = 200

/** Null for what the gateway does not forward at all: administration, and paths that two servers could read in two ways. */
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
  const pathname = pathnameOf(url)
  if (!pathname.startsWith(`${BASE}/`)) return null
  const path = pathname.slice(BASE.length)
  const model = method === 'GET' ? modelNamed(path) : null
  const segments = model === null ? path.slice(1).split('/').map(decodeSegment) : ['models']
  if (!segments.every((segment) => segment !== null)) return null
  const area = segments[0]!.toLowerCase()
  if (ADMINISTRATION.has(area)) return null
  const isNamed = Object.hasOwn(gatewayPermissions, area)
  const can = isNamed ? gatewayPermissions[area]! : { read: otherGatewayPermission, write: otherGatewayPermission }
  const search = searchOf(url)
  return {
    path,
    shown: pathOf(url),
    search: search && `?${search}`,
    model,
    operation: isNamed ? area : 'other',
    needed: method === 'GET' ? can.read : can.write,
  }
}

/** Null for a segment that is empty, malformed, or that a server behind us might split, drop or resolve. */
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
