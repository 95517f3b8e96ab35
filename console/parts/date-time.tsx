/** A moment in the browser's time zone, with UTC on hover. */
interface Props {
  /** Seconds since 1970, as the API gives them; what stands for null is `none`. */
  at: number | null | undefined
  none?: string
  /** Shows the day only, and the time on hover. */
  isDay?: boolean
}

const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' })
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })

export function DateTime({ at, none = '–', isDay = false }: Props) {
  if (at === null || at === undefined) return <span class="faint">{none}</span>
  const date = new Date(at * 1000)
  const utc = `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`
  return (
    <time
      class={isDay ? 'day' : undefined}
      dateTime={date.toISOString()}
      title={isDay ? `${moment.format(date)}, ${utc}` : utc}
    >
      {(isDay ? day : moment).format(date)}
    </time>
  )
}
