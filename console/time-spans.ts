/** Spans of time in seconds. */
export const HOUR = 60 * 60
export const DAY = 24 * HOUR
