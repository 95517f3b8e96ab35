/**
 * The address bar: which page it names, and the links between pages. Hand-written, because it is
 * short and because a proxy may serve the console below any path, which `preact-iso` cannot know.
 */
import { signal } from '@preact/signals'

/** The address of the console, whose files lie in `assets/` below it. */
export const base = new URL('..', import.meta.url)

interface Place {
  /** Below the console, with its leading slash. */
  path: string
  query: URLSearchParams
}

export const place = signal(readPlace())

function readPlace(): Place {
  const { pathname, search } = location
  return { path: `/${pathname.slice(base.pathname.length)}`, query: new URLSearchParams(search) }
}

/** The `href` of a page of the console: `/my-keys`, `/keys?project_id=…`. */
export const hrefOf = (path: string) => base.pathname.slice(0, -1) + path

export function navigate(path: string, { replace = false } = {}) {
  history[replace ? 'replaceState' : 'pushState'](null, '', hrefOf(path))
  place.value = readPlace()
}

/** Writes values into the query of the address, such as filters; null removes one. */
export function setQuery(values: Record<string, string | null>) {
  const { path, query } = place.value
  const next = new URLSearchParams(query)
  for (const [name, value] of Object.entries(values))
    if (value === null || value === '') next.delete(name)
    else next.set(name, value)
  navigate(next.size > 0 ? `${path}?${next}` : path, { replace: true })
}

/**
 * The values that a path has where a pattern has names, such as `/projects/:id`; null if it does
 * not match.
 */
export function match(pattern: string, path: string): Record<string, string> | null {
  const [names, parts] = [pattern.split('/'), path.split('/')]
  if (names.length !== parts.length) return null
  const values: Record<string, string> = {}
  for (const [at, name] of names.entries()) {
    const part = parts[at]!
    if (name.startsWith(':') && part) values[name.slice(1)] = decoded(part)
    else if (name !== part) return null
  }
  return values
}

function decoded(part: string) {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

addEventListener('popstate', () => (place.value = readPlace()))

/**
 * A plain click on a link to a page of the console shows the page without loading anything anew.
 */
document.addEventListener('click', (event) => {
  const link = (event.target as Element).closest?.('a')
  if (!link || event.defaultPrevented || event.button !== 0 || link.target || link.hasAttribute('download')) return
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
  if (link.origin !== location.origin || !link.pathname.startsWith(base.pathname)) return
  event.preventDefault()
  navigate(`/${link.pathname.slice(base.pathname.length)}${link.search}`)
})
