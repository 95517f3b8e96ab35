/**
 * How pages call the server: the client with the cookie of the session, and hooks around a call.
 */
import { useSignal } from '@preact/signals'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { Keyhall, type Page, type PagePromise, type RequestOptions } from '../client/index.ts'
import { base } from './place.ts'

let sessionEnded = () => {}

/** What happens when the server knows no session any more. */
export const whenSessionEnds = (act: () => void) => void (sessionEnded = act)

export const keyhall = new Keyhall({
  session: true,
  baseURL: new URL('../v1', base).href,
  maxRetries: 1,
  timeout: 60_000,
  async fetch(url, init) {
    const response = await fetch(url, { ...init, credentials: 'same-origin', cache: 'no-store', redirect: 'error' })
    // A failed try to sign in says nothing about the session that there is.
    const isTry = init.method === 'POST' && url.endsWith('/organization/sessions')
    if (response.status === 401 && !isTry) sessionEnded()
    return response
  },
})

export const { organization } = keyhall.admin

export interface Answered<T> {
  /** What the last call answered; stays while the next one is under way, so that nothing jumps. */
  answer: T | undefined
  problem: unknown
  isLoading: boolean
  /** Whether the answer is about the inputs as they are now. */
  isCurrent: boolean
  reload: () => void
}

interface Asked<T> {
  answer: T | undefined
  /** What the answer is about. */
  inputs: readonly unknown[]
  problem: unknown
  isLoading: boolean
}

const areSame = (some: readonly unknown[], others: readonly unknown[]) =>
  some.length === others.length && some.every((one, at) => one === others[at])

/** Calls when a page appears and whenever one of the inputs changes. */
export function useAnswer<T>(ask: (options: RequestOptions) => PromiseLike<T>, inputs: unknown[]): Answered<T> {
  const state = useSignal<Asked<T>>({ answer: undefined, inputs: [], problem: undefined, isLoading: true })
  const [round, setRound] = useState(0)
  // The call is on its way before the browser paints what waits for it.
  useLayoutEffect(() => {
    const controller = new AbortController()
    state.value = { ...state.value, isLoading: true }
    ask({ signal: controller.signal }).then(
      (answer) => {
        if (!controller.signal.aborted) state.value = { answer, inputs, problem: undefined, isLoading: false }
      },
      (problem: unknown) => {
        if (controller.signal.aborted) return
        // An answer about something else must not stand for this one.
        const answer = areSame(state.value.inputs, inputs) ? state.value.answer : undefined
        state.value = { answer, inputs, problem, isLoading: false }
      },
    )
    return () => controller.abort()
  }, [...inputs, round])
  const { inputs: about, ...asked } = state.value
  return { ...asked, isCurrent: areSame(about, inputs), reload: () => setRound((round) => round + 1) }
}

export interface List<Item> {
  items: readonly Item[]
  problem: unknown
  isLoading: boolean
  /** Whether the first page has come. */
  isKnown: boolean
  /**
   * Whether the items are those of earlier inputs, because those that are asked for have not come.
   */
  isStale: boolean
  hasMore: boolean
  /** Fetches the next page and adds it. */
  more: () => Promise<void>
  reload: () => void
  /** Calls again what failed. */
  retry: () => void
}

/**
 * Calls a list page by page. A page can be empty although there are more, because the server looks
 * at a bounded number of items for each: then the next ones are fetched until something is found.
 */
export function useList<Item>(
  ask: (options: RequestOptions) => PagePromise<Page<Item>, Item>,
  inputs: unknown[],
): List<Item> {
  const first = useAnswer<Page<Item>>(ask, inputs)
  const further = useSignal<{ of: unknown; pages: Page<Item>[]; problem?: unknown; isLoading?: boolean }>({
    of: undefined,
    pages: [],
  })
  // What was added to an earlier first page does not belong to this one.
  const added = further.value.of === first.answer ? further.value : { of: first.answer, pages: [] }
  const pages = first.answer ? [first.answer, ...added.pages] : []
  const last = pages.at(-1)
  /** The first page that is shown; null once the list is not shown any more. */
  const shown = useRef<unknown>(null)
  shown.current = first.answer
  useEffect(() => () => void (shown.current = null), [])
  async function more() {
    further.value = { ...added, problem: undefined, isLoading: true }
    try {
      const next = await nextFound(last!, () => shown.current === added.of)
      if (further.value.of === added.of) further.value = { of: added.of, pages: [...added.pages, next] }
    } catch (problem) {
      if (further.value.of === added.of) further.value = { ...added, problem, isLoading: false }
    }
  }
  const items = pages.flatMap(({ data }) => data)
  const hasMore = last?.hasNextPage() ?? false
  const isSearching = items.length === 0 && hasMore
  useEffect(() => {
    if (isSearching) void more()
  }, [first.answer, isSearching])
  return {
    items,
    problem: first.problem ?? added.problem,
    isLoading: first.isLoading || added.isLoading === true,
    isKnown: first.answer !== undefined,
    isStale: first.answer !== undefined && !first.isCurrent,
    hasMore,
    more,
    reload: first.reload,
    retry: first.problem === undefined ? () => void more() : first.reload,
  }
}

/** The next page that has items, or the last page, as long as it is wanted. */
async function nextFound<Item>(page: Page<Item>, isWanted: () => boolean): Promise<Page<Item>> {
  let next = await page.getNextPage()
  while (next.data.length === 0 && next.hasNextPage() && isWanted()) next = await next.getNextPage()
  return next
}

interface Action<Arguments extends unknown[]> {
  run: (...args: Arguments) => Promise<void>
  isRunning: boolean
  problem: unknown
}

/** Something that a button does: once at a time, and what went wrong stays to be shown. */
export function useAction<Arguments extends unknown[]>(
  act: (...args: Arguments) => Promise<unknown>,
): Action<Arguments> {
  const state = useSignal<{ isRunning: boolean; problem: unknown }>({ isRunning: false, problem: undefined })
  async function run(...args: Arguments) {
    if (state.value.isRunning) return
    state.value = { isRunning: true, problem: undefined }
    try {
      await act(...args)
      state.value = { isRunning: false, problem: undefined }
    } catch (problem) {
      state.value = { isRunning: false, problem }
    }
  }
  return { run, ...state.value }
}
