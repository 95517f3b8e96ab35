/** Parses what may be no JSON. */

/** Null for what is none. */
export function parsedJson(json: string): unknown {
  try {
    return JSON.parse(json) as unknown
  } catch {
    return null
  }
}
