/** When a price of the file begins to hold: a day, or a moment in the form of RFC 3339, in UTC. */

/**
 * Unix seconds; null for text that is neither, also for a day that the calendar does not have. A
 * price without a begin holds always.
 */
export function priceBegin(text: string | undefined): number | null {
  if (text === undefined) return 0
  const [, day, time = '00:00:00'] = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}:\d{2})Z)?$/i.exec(text) ?? []
  const milliseconds = Date.parse(`${day}T${time}Z`)
  // The thirtieth of February is read as a day of March, and 24:00 as the next day.
  const isReal = !Number.isNaN(milliseconds) && new Date(milliseconds).toISOString().startsWith(`${day}T${time}`)
  return isReal ? milliseconds / 1000 : null
}
