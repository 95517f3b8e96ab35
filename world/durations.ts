/** Times as people write them: `30d`, `12h`, `90m`, `45s`, a date, a date with a time. */
const seconds: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800, y: 31_536_000 }

/** How many seconds `90m` or `1d12h` or plain `3600` are; null for anything else. */
export function durationOf(text: string): number | null {
  if (/^\d{1,12}$/.test(text)) return Number(text)
  if (!/^(\d{1,9}[smhdwy])+$/i.test(text)) return null
  return [...text.toLowerCase().matchAll(/(\d+)([smhdwy])/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * seconds[unit!]!,
    0,
  )
}

/**
 * The moment that an ISO date names, in Unix seconds; null for anything else. Without a zone it is
 * local time.
 */
export function momentOf(text: string): number | null {
  if (!/^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/i.test(text)) return null
  const local = /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00` : text.replace(' ', 'T')
  const moment = Date.parse(local)
  return Number.isNaN(moment) ? null : Math.floor(moment / 1000)
}

/** A lifetime in seconds: a duration, or the time from `now` (Unix seconds) until a date. */
export function lifetimeOf(text: string, now: number): number | null {
  const moment = momentOf(text)
  return durationOf(text) ?? (moment === null ? null : moment - now)
}

/**
 * A point in time in Unix seconds: given as such, as a date, as `now`, as a duration ago, or with a
 * plus from now on.
 */
export function timeOf(text: string, now: number): number | null {
  if (text === 'now') return now
  if (/^\d+$/.test(text)) return Number(text)
  const isAhead = text.startsWith('+')
  const duration = durationOf(isAhead ? text.slice(1) : text)
  return momentOf(text) ?? (duration === null ? null : isAhead ? now + duration : now - duration)
}
