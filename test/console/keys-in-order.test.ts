/** The list of keys is sorted, waited for and searched. */
import { expect, test } from 'bun:test'
import type { Page } from 'playwright-core'
import { make } from '../made.ts'
import type { TestServer } from '../setup.ts'
import { expectGoodLooks, inConsole } from './browser.ts'
import { newProject } from './people.ts'

const namesIn = (page: Page) => page.locator('tbody th .value').allTextContents()

/** A project with keys of these names, each made a minute after the one before. */
async function withKeys(server: TestServer, names: readonly string[]) {
  const project_id = await newProject(server, 'Ordered')
  for (const name of names) {
    const key = { user_id: server.owner_id, name, expires_in_seconds: 86_400 }
    await make(server, `/organization/projects/${project_id}/api_keys`, key)
    server.world.ahead += 60
  }
  return project_id
}

inConsole('the order of keys', (console) => {
  test('a click on a heading sorts by it, a second one turns it round, in the address too', async () => {
    const { server, open } = console()
    const project_id = await withKeys(server, ['first', 'second', 'third'])
    const page = await open(`/keys?project_id=${project_id}`, { as: server.owner_id })
    const heading = (name: string) => page.getByRole('columnheader', { name, exact: true })
    await page.getByRole('rowheader', { name: 'third' }).waitFor()
    expect(await namesIn(page)).toEqual(['third', 'second', 'first'])
    expect(await heading('Created').getAttribute('aria-sort')).toBe('descending')
    await heading('Created').getByRole('button').click()
    await page.locator('tbody:not([inert]) tr:first-child', { hasText: 'first' }).waitFor()
    expect(await namesIn(page)).toEqual(['first', 'second', 'third'])
    expect(await heading('Created').getAttribute('aria-sort')).toBe('ascending')
    expect(new URL(page.url()).searchParams.get('sort')).toBe('oldest')
    await expectGoodLooks(page)
    await heading('Expires').getByRole('button').press('Enter')
    await page.waitForURL(/sort=expires-first/)
    expect(await heading('Expires').getAttribute('aria-sort')).toBe('ascending')
    expect(await heading('Created').getAttribute('aria-sort')).toBeNull()
    await page.getByRole('button', { name: 'Not used for 90 days' }).click()
    await page.waitForURL(/used=not-90-days/)
    // The order that the filter suggests.
    await page.locator('th[aria-sort]', { hasText: 'Last used' }).waitFor()
  })

  test('while a filter is slow, the old rows are dimmed and nothing can be done with them', async () => {
    const { server, open } = console()
    const project_id = await withKeys(server, ['slow one', 'slow two'])
    const page = await open(`/keys?project_id=${project_id}`, { as: server.owner_id })
    const table = page.getByRole('table', { name: 'Keys' })
    const status = page.getByRole('status').filter({ hasText: 'Loading …' })
    await page.getByRole('rowheader', { name: 'slow two' }).waitFor()
    expect(await table.getAttribute('aria-busy')).toBe('false')
    let answer = () => {}
    const held = new Promise<void>((resolve) => (answer = resolve))
    await page.route('**/v1/organization/api_keys*', async (route) => {
      await held
      await route.continue()
    })
    await page.getByLabel('Name contains').fill('two')
    await page.getByLabel('Name contains').press('Enter')
    await status.waitFor({ state: 'attached' })
    expect(await table.getAttribute('aria-busy')).toBe('true')
    expect(await page.locator('tbody').getAttribute('inert')).not.toBeNull()
    expect(Number(await page.locator('tbody').evaluate((body) => getComputedStyle(body).opacity))).toBeLessThan(0.6)
    expect(await namesIn(page)).toEqual(['slow two', 'slow one'])
    await expectGoodLooks(page)
    answer()
    await page.getByRole('rowheader', { name: 'slow one' }).waitFor({ state: 'detached' })
    expect(await table.getAttribute('aria-busy')).toBe('false')
    expect(await page.locator('tbody').getAttribute('inert')).toBeNull()
    expect(await status.count()).toBe(0)
    await page.unroute('**/v1/organization/api_keys*')
  })

  test('a key that few pages have is found behind pages without any', async () => {
    const { server, open } = console()
    const project_id = await withKeys(server, ['needle'])
    await addStraw(server, project_id)
    const page = await open('/keys?name=needle', { as: server.owner_id })
    await page.getByRole('rowheader', { name: 'needle' }).waitFor()
    expect(await namesIn(page)).toEqual(['needle'])
    await page.getByLabel('Name contains').fill('nowhere')
    await page.getByLabel('Name contains').press('Enter')
    await page.getByRole('heading', { name: 'No such key' }).waitFor()
  })
})

/** More keys than two pages look through, all newer than those that there are. */
async function addStraw({ database, organization_id, owner_id, world }: TestServer, project_id: string) {
  const created_at = Math.floor(world.now() / 1000)
  await database.write(async (sql) => {
    for (let batch = 0; batch < 5; batch++) {
      const keys = Array.from({ length: 500 }, (_, index) => {
        const id = `key_straw${batch * 500 + index}`
        const key = { organization_id, project_id, id, name: 'straw', redacted_value: 'sk-proj-...', scopes: '[]' }
        const digest = new Uint8Array(Buffer.from(id.padEnd(32)))
        return { ...key, digest, owner_type: 'user' as const, owner_id, created_at }
      })
      await sql.insertInto('api_keys').values(keys).execute()
    }
  })
}
