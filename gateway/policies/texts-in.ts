/** Looks for the texts of members in JSON that need not be correct. */

const STRING = /"(?:[^"\\]|\\.)*"/gs

/**
 * Every text that stands behind a member of this name, at any depth. Each
 * occurrence counts: where a member stands twice, or in other letters, another parser may read the
 * one that ours does not.
 */
export function* textsIn(json: string, name: string): Generator<string> {
  let isNamed = false
  let end = 0
  for (const { 0: quoted, index } of json.matchAll(STRING)) {
    const between = json.slice(end, index).trim()
    end = index + quoted.length
    const text = textOf(quoted)
    if (isNamed && between === ':') yield text
    isNamed = text.toLowerCase() === name
  }
}

function textOf(quoted: string): string {
  try {
    return JSON.parse(quoted) as string
  } catch {
    return ''
  }
}
