/** Headers in all forms that callers may use; `null` removes a default. */

type HeaderValue = string | null | undefined

export type HeadersLike =
  | Headers
  | readonly (readonly HeaderValue[])[]
  | Record<string, HeaderValue | readonly HeaderValue[]>
  | null
  | undefined

/** Merges headers; later ones win. */
export function mergeHeaders(...all: HeadersLike[]): Headers {
  const merged = new Headers()
  for (const headers of all) {
    const entries = headers && Symbol.iterator in headers ? headers : Object.entries(headers ?? {})
    const own = new Headers()
    for (const [name, value] of entries as Iterable<[string, HeaderValue | readonly HeaderValue[]]>) {
      if (value === undefined) continue
      merged.delete(name)
      for (const one of [value].flat()) if (typeof one === 'string') own.append(name, one)
    }
    for (const [name, value] of own) merged.set(name, value)
  }
  return merged
}
