/** The key of a form whose fields stand in the address. */
import { useRef } from 'preact/hooks'
import { place } from '../place.ts'

/**
 * The form is made anew when the address changed, unless it was the form that changed it: then the
 * focus and what is half typed would be lost. `keep` is called after the form changed the address.
 */
export function useFormKey() {
  const now = String(place.value.query)
  const own = useRef(now)
  const key = useRef(now)
  if (own.current !== now) key.current = own.current = now
  return { key: key.current, keep: () => void (own.current = String(place.value.query)) }
}
