/** How long a new key can live, as choices of a form. */
import { DAY } from '../time-spans.ts'
export const lifetimes = [
  { value: String(7 * DAY), label: 'In 7 days' },
  { value: String(30 * DAY), label: 'In 30 days' },
  { value: String(90 * DAY), label: 'In 90 days' },
  { value: String(365 * DAY), label: 'In a year' },
  { value: '', label: 'Never' },
]

/** What the API is told for a choice. */
export const lifetimeFrom = (chosen: string) => (chosen === '' ? {} : { expires_in_seconds: Number(chosen) })
