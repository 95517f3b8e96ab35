/** Owners see how the server is: version, storage, upstreams, and who shares its database. */
import { expect, test } from 'bun:test'
import { version } from '../../world/version.ts'
import { expectGoodLooks, inConsole } from './browser.ts'
import { newPerson } from './people.ts'

inConsole('the server', (console) => {
  test('shows version, storage, readiness, and what to do where there is no upstream', async () => {
    const { server, open } = console()
    const page = await open('/server', { as: server.owner_id })
    await page.getByText(version, { exact: true }).waitFor()
    await page.getByText(server.engine === 'sqlite' ? 'SQLite' : 'PostgreSQL', { exact: true }).waitFor()
    const checks = page.getByRole('table', { name: 'Checks' })
    expect(await checks.getByRole('row', { name: 'database' }).textContent()).toContain('All is well')
    await page.getByRole('heading', { name: 'There is no upstream' }).waitFor()
    const servers = page.getByRole('table', { name: 'Servers on this database' })
    expect(await servers.getByRole('row').nth(1).textContent()).toContain('This one')
    await expectGoodLooks(page)
  })

  test('a member finds no way to it, and is refused at its address', async () => {
    const { server, open } = console()
    const page = await open('/server', { as: await newPerson(server) })
    await page.getByRole('alert').waitFor()
    expect(await page.getByRole('link', { name: 'Server' }).count()).toBe(0)
    expect(await page.getByRole('table').count()).toBe(0)
  })
})
