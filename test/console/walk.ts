/** Visits every page of the console, each tab of it, and what its buttons and details open. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'

/** The paths in `console/pages.ts`, which loads in a browser only. */
const patterns = [
  ...readFileSync(join(import.meta.dir, '../../console/pages.ts'), 'utf8').matchAll(/path: '([^']+)'/g),
].map(([, path]) => path!)

/** What stands for each path that has names in it. A page without an example is an error. */
type Examples = Readonly<Record<string, string>>

const pathsOf = (examples: Examples): string[] =>
  patterns.map((pattern) => {
    const path = pattern.includes(':') ? examples[pattern] : pattern
    if (!path) throw new Error(`The walk needs an example of ${pattern}`)
    return path
  })

/** How long a state is waited for; what is shown then is looked at. */
const LONGEST_MILLISECONDS = 5_000

interface Walk {
  url: string
  examples: Examples
  /** Called with each state of each page, after its calls were answered. */
  look: (at: string) => Promise<void>
  /** Whether what buttons open is a state, too. */
  withDialogs?: boolean
}

export async function walk(page: Page, { url, examples, look, withDialogs = true }: Walk) {
  const settle = settler(page)
  for (const path of pathsOf(examples)) {
    await page.goto(`${url}/console${path}`)
    await settle()
    const tabs = await page.locator('nav.tabs a').evaluateAll((all) => all.map((one: any) => one.href))
    for (const address of tabs.length > 0 ? tabs : [page.url()]) {
      if (address !== page.url()) await page.goto(address)
      await settle()
      await page.evaluate(() => document.querySelectorAll('details').forEach((one) => (one.open = true)))
      await look(address.slice(url.length))
      if (withDialogs) await openDialogs(page, (name) => look(`${address.slice(url.length)}, ${name}`))
    }
  }
}

/** Waits until a page has shown the answers to its calls, and makes no others because of them. */
function settler(page: Page) {
  const underWay = new Set<unknown>()
  page.on('request', (request) => underWay.add(request))
  page.on('requestfinished', (request) => underWay.delete(request))
  page.on('requestfailed', (request) => underWay.delete(request))
  // Of calls that a page left behind, no end is told.
  page.on('framenavigated', () => underWay.clear())
  return async () => {
    await page.waitForSelector('h1')
    const latest = performance.now() + LONGEST_MILLISECONDS
    for (let quiet = 0; quiet < 3 && performance.now() < latest; quiet = underWay.size === 0 ? quiet + 1 : 0)
      await painted(page)
  }
}

/** Opens one dialog for each text that buttons show, whatever its object, and leaves it again. */
async function openDialogs(page: Page, look: (name: string) => Promise<void>) {
  const buttons = page.locator('main button:enabled:visible')
  const pressed = new Set<string>()
  for (;;) {
    // Read anew each time, because a button can sort a table or show more of it.
    const names = await buttons.evaluateAll(shownTexts)
    const at = names.findIndex((name) => !pressed.has(name))
    if (at === -1) return
    pressed.add(names[at]!)
    await buttons.nth(at).click()
    await painted(page)
    const dialog = page.getByRole('dialog')
    if ((await dialog.count()) === 0) continue
    await look(names[at]!)
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
  }
}

/** Which object a button of a row is about is hidden from sight. */
const shownTexts = (buttons: any[]): string[] =>
  buttons.map((button) => {
    const copy = button.cloneNode(true)
    for (const hidden of copy.querySelectorAll('.visually-hidden, [aria-hidden]')) hidden.remove()
    return copy.textContent.trim()
  })

const painted = (page: Page) =>
  page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))))

/** The pages about a project, a key in it, and a person. */
export const examplesOf = (of: { project_id: string; key_id: string; user_id: string }): Examples => ({
  '/projects/:id': `/projects/${of.project_id}`,
  '/projects/:project_id/keys/:id': `/projects/${of.project_id}/keys/${of.key_id}`,
  '/people/:id': `/people/${of.user_id}`,
})
