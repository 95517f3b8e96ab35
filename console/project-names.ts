/** What projects are called whose ids a page shows. */
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { organization } from './use-calls.ts'

/** As many as the server takes at a time. */
const MOST_IDS = 100

/**
 * The names of these projects, archived ones too, by their ids. The server is asked once for each
 * id as long as the page is shown, for many at a time, and not at all for those that are `known`.
 * A name that is not there yet, or that the person may not see, is missing.
 */
export function useProjectNames(
  ids: readonly string[],
  known: readonly { id: string; name: string }[] = [],
): ReadonlyMap<string, string> {
  const names = useSignal<ReadonlyMap<string, string>>(new Map())
  const asked = useSignal<Set<string>>(new Set()).value
  const given = new Map(known.map(({ id, name }) => [id, name]))
  const missing = [...new Set(ids)].filter((id) => id !== '' && !asked.has(id) && !given.has(id))
  useEffect(() => {
    for (let at = 0; at < missing.length; at += MOST_IDS) void ask(missing.slice(at, at + MOST_IDS))
  }, [missing.join(' ')])
  async function ask(some: string[]) {
    for (const id of some) asked.add(id)
    try {
      const { data } = await organization.projects.list({ ids: some, include_archived: true, limit: MOST_IDS })
      names.value = new Map([...names.value, ...data.map(({ id, name }) => [id, name] as const)])
    } catch {
      // Ids stand for the names then.
    }
  }
  return new Map([...names.value, ...given])
}
