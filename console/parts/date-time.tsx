/** A moment in the browser's time zone, with UTC on hover. */
interface Props {
  /** Seconds since 1970, as the API gives them; what stands for null is `none`. */
  at: number | null | undefined
  none?: string
}

const formatted = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })

export function DateTime({ at, none = '–' }: Props) {
  if (at === null || at === undefined) return <span class="faint">{none}</span>
  const date = new Date(at * 1000)
  const utc = date.toISOString()
  return (
    <time dateTime={utc} title={`${utc.slice(0, 19).replace('T', ' ')} UTC`}>
      {formatted.format(date)}
    </time>
  )
}
