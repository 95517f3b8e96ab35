/** Patterns of model names in the configuration. */

export type Pattern = (model: string) => boolean

/**
 * `*` stands for any characters, also none. The literal parts are matched from left to right with
 * `indexOf`, so that the time is linear in the length of a caller's model: a regular expression
 * would backtrack.
 */
export function patternOf(text: string): Pattern {
  const [first = '', ...middle] = text.split('*')
  const last = middle.pop()
  if (last === undefined) return (model) => model === text
  return (model) => {
    if (!model.startsWith(first)) return false
    let at = first.length
    for (const piece of middle) {
      const found = model.indexOf(piece, at)
      if (found < 0) return false
      at = found + piece.length
    }
    return model.length - last.length >= at && model.endsWith(last)
  }
}

/** Whether two patterns match a text in common. */
export function overlap(one: string, other: string): boolean {
  // After each character of `one`: at which characters of `other` a common text can have come to.
  let reached = throughStars(new Set([0]), other)
  for (const character of one) {
    const next = new Set<number>(character === '*' ? reached : [])
    for (const at of reached) {
      if (character === '*') for (let end = at; end <= other.length; end++) next.add(end)
      else if (other[at] === '*') next.add(at)
      else if (other[at] === character) next.add(at + 1)
    }
    reached = throughStars(next, other)
  }
  return reached.has(other.length)
}

/** A star may stand for nothing. */
function throughStars(reached: Set<number>, pattern: string): Set<number> {
  // A set is walked in the order in which it grows.
  for (const at of reached) if (pattern[at] === '*') reached.add(at + 1)
  return reached
}
