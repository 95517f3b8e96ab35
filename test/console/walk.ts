/** Visits every page of the console, each tab of it, and what its buttons and details open. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'

/** The paths in `console/pages.ts`, which loads in a browser only. */
const patterns = [
  ...readFileSync(join(import.meta.dir, '../../console/pages.ts'), 'utf8').matchAll(/path: '([^']+)'/g),
].map(([, path]) => path!)

/** What `:id` stands for, by the path without it. A page that needs another is an error. */
export type Ids = Readonly<Record<string, string>>

export const pathsOf = (ids: Ids): string[] =>
  patterns.map((pattern) => {
    const [, before] = /^(.*)\/:id$/.exec(pattern) ?? []
    if (before === undefined) return pattern
    if (!ids[before]) throw new Error(`The walk needs an id for ${pattern}`)
    return `${before}/${ids[before]}`
  })

/** Calls `look` with each state of each page, after its calls were answered. */
export async function walk(page: Page, url: string, ids: Ids, look: (at: string) => Promise<void>) {
  for (const path of pathsOf(ids)) {
    await page.goto(`${url}/console${path}`)
    const tabs = await settled(page, () =>
      page.locator('nav.tabs a').evaluateAll((all) => all.map((one: any) => one.href)),
    )
    for (const address of tabs.length > 0 ? tabs : [page.url()]) {
      if (address !== page.url()) await page.goto(address)
      await settled(page, () =>
        page.evaluate(() => document.querySelectorAll('details').forEach((one) => (one.open = true))),
      )
      await look(address.slice(url.length))
      await openDialogs(page, () => look(`${address.slice(url.length)}, a dialog`))
    }
  }
}

async function settled<T>(page: Page, then: () => Promise<T>): Promise<T> {
  await page.waitForSelector('h1')
  await page.waitForLoadState('networkidle')
  return then()
}

/** Opens one dialog of each kind, and leaves it again. */
async function openDialogs(page: Page, look: () => Promise<void>) {
  const buttons = page.locator('main button:enabled')
  const names = await buttons.evaluateAll((all) => all.map((one: any) => one.textContent.trim()))
  const firsts = names.filter((name, at) => names.findIndex((other) => kindOf(other) === kindOf(name)) === at)
  for (const name of firsts) {
    await buttons.nth(names.indexOf(name)).click()
    const dialog = page.getByRole('dialog')
    if ((await dialog.count()) === 0) continue
    await look()
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
  }
}

const kindOf = (name: string) => name.split(' ')[0]
