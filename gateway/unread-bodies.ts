/**
 * Which bodies the gateway forwards without looking into them: on which paths, of which types, and
 * how large. What is in no list has to be JSON or a form, because a body may name a model.
 */
import { invalid } from '../contract/errors.ts'
import { misspelt } from './member-names.ts'
import type { Target } from './target.ts'

interface UnreadBodies {
  /** Of a path below `/v1`, as `Target.endpoint` has it. */
  path: RegExp
  type: RegExp
  /** Null for `KEYHALL_MAX_UPLOAD`. */
  most_bytes: number | null
}

const ofFiles = /^(application\/octet-stream|(audio|image|video)\/[\w.+-]+)$/
/** Some kilobytes, for each of a few media. */
const LARGEST_SDP = 256 * 1024

/** The permission is that of the path. */
const unreadBodies: readonly UnreadBodies[] = [
  { path: /^\/realtime\/calls$/, type: /^application\/sdp$/, most_bytes: LARGEST_SDP },
  { path: /^\/(files|uploads)(\/.*)?$/, type: ofFiles, most_bytes: null },
  { path: /^\/audio\/(transcriptions|translations)$/, type: ofFiles, most_bytes: null },
]

/** Null where a body of this type is not forwarded unread. `type` is in lower case. */
export const unreadBodyOf = ({ endpoint }: Target, type: string): UnreadBodies | null =>
  unreadBodies.find((one) => one.path.test(endpoint) && one.type.test(type)) ?? null

/**
 * The model of a body that is not read can only stand in the query, where some servers take it.
 * Throws 400 where two servers could find two.
 */
export function modelInQuery(search: string): string | null {
  let model: string | null = null
  for (const [name, value] of new URLSearchParams(search)) {
    if (name.toLowerCase() !== 'model') continue
    if (name !== 'model') throw misspelt(name, 'model')
    if (model !== null) throw invalid("The query names 'model' more than once.", 'model')
    model = value
  }
  return model || null
}
