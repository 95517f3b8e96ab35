/** People make, see and revoke keys of their own. */
import { expect, test } from 'bun:test'
import { make } from '../made.ts'
import { expectGoodLooks, inConsole } from './browser.ts'
import { newPerson, newProject } from './people.ts'

inConsole('my keys', (console) => {
  test('a member makes a key by the keyboard alone, uses it, and revokes it', async () => {
    const { server, url, open } = console()
    const project = await newProject(server, 'Search & <ranking>')
    const member = await newPerson(server, { project_id: project })
    const page = await open('/', { as: member })
    await page.getByRole('heading', { name: 'You have no keys yet' }).waitFor()
    await expectGoodLooks(page)

    await page.getByRole('button', { name: 'Make a key' }).focus()
    await page.keyboard.press('Enter')
    await expectGoodLooks(page)
    await page.getByLabel('Name').focus()
    await page.keyboard.type('laptop')
    expect(await page.getByLabel('It expires').locator('option:checked').textContent()).toBe('In 90 days')
    await page.keyboard.press('Enter')
    const value = (await page.locator('.secret code').textContent())!
    await expectGoodLooks(page)
    expect(value).toStartWith('sk-proj-')
    expect(await server.opens(value)).toBe(200)

    await page.getByRole('button', { name: 'Copy the key' }).press('Enter')
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(value)
    const lines = (await page.getByLabel('Lines for curl').textContent())!
    expect(lines).toContain(`OPENAI_BASE_URL="${url}/v1" OPENAI_API_KEY="${value}"`)

    // It must be acknowledged: neither Escape nor the button that is still locked closes it.
    await page.keyboard.press('Escape')
    await page.keyboard.press('Escape')
    expect(await page.getByRole('button', { name: 'Done' }).isDisabled()).toBe(true)
    expect(await page.locator('.secret code').textContent()).toBe(value)
    await page.getByLabel('I have stored the key').press('Space')
    await page.getByRole('button', { name: 'Done' }).press('Enter')
    await page.getByRole('table').waitFor()
    const left = await page.evaluate(() => JSON.stringify([document.documentElement.outerHTML, localStorage]))
    expect(left).not.toContain(value)
    expect(await page.getByRole('row').nth(1).textContent()).toContain('Search & <ranking>')
    await expectGoodLooks(page)

    await page.getByRole('button', { name: 'Rotate laptop' }).click()
    await page.getByRole('button', { name: 'Make the new key' }).click()
    const rotated = (await page.locator('.secret code').textContent())!
    expect([await server.opens(rotated), await server.opens(value)]).toEqual([200, 200])
    await page.getByLabel('I have stored the key').check()
    await page.getByRole('button', { name: 'Done' }).click()
    await page.getByRole('row').nth(2).waitFor()
    await page.getByRole('button', { name: 'Revoke laptop' }).first().click()
    await page.getByRole('button', { name: 'Revoke', exact: true }).click()
    await page.getByRole('row').nth(2).waitFor({ state: 'detached' })
    expect(await server.opens(rotated)).toBe(401)

    await page.getByRole('button', { name: 'Revoke laptop' }).press('Enter')
    await expectGoodLooks(page)
    // Enter on the button that has the focus changes nothing.
    await page.keyboard.press('Enter')
    expect(await server.opens(value)).toBe(200)
    await page.getByRole('button', { name: 'Revoke laptop' }).press('Enter')
    await page.getByRole('button', { name: 'Revoke', exact: true }).press('Enter')
    await page.getByRole('heading', { name: 'You have no keys yet' }).waitFor()
    expect(await server.opens(value)).toBe(401)
  })

  test('a member sees neither the keys of others nor the sections of owners', async () => {
    const { server, open } = console()
    const project_id = await newProject(server, 'Shared')
    const [ann, ben] = await Promise.all([newPerson(server, { project_id }), newPerson(server, { project_id })])
    await make(server, `/organization/projects/${project_id}/api_keys`, { user_id: ann, name: 'key of ann' })
    const page = await open('/my-keys', { as: ben })
    await page.getByRole('heading', { name: 'You have no keys yet' }).waitFor()
    const sections = await page.getByRole('navigation').getByRole('link').allTextContents()
    expect(sections).toEqual(['My keys', 'Usage and spend', 'Sessions'])
  })

  test('what the server refuses stands beside its field, and who may make none is told so', async () => {
    const { server, open } = console()
    const project_id = await newProject(server, 'Refusing')
    const page = await open('/my-keys', { as: await newPerson(server, { project_id }) })
    await page.getByRole('button', { name: 'Make a key' }).click()
    await page.getByLabel('Name').fill('  ')
    await page.getByRole('button', { name: 'Make the key' }).click()
    const error = page
      .locator('.field')
      .filter({ has: page.getByLabel('Name') })
      .getByRole('alert')
    expect(await error.textContent()).toContain('name')
    expect(await page.getByLabel('Name').getAttribute('aria-invalid')).toBe('true')
    const stranger = await open('/my-keys', { as: await newPerson(server) })
    await stranger.getByRole('heading', { name: 'You cannot make keys yet' }).waitFor()
    expect(await stranger.getByRole('button', { name: 'Make a key' }).count()).toBe(0)
  })

  test('a new key begins with the project of the filter, and never with another in its place', async () => {
    const { server, open } = console()
    const own = await newProject(server, 'Mine to use')
    const seen = await newProject(server, 'Only looked at')
    const ben = await newPerson(server, { project_id: own })
    await make(server, `/organization/projects/${seen}/users`, { user_id: ben, role: 'viewer' })
    const first = async (query: string) => {
      const page = await open(`/my-keys${query}`, { as: ben })
      await page.getByRole('button', { name: 'Make a key' }).click()
      const choice = page.getByRole('dialog').getByRole('combobox', { name: 'Project' })
      await choice.waitFor()
      return choice.inputValue()
    }
    expect(await first('')).toBe('Mine to use')
    expect(await first(`?project_id=${own}`)).toBe('Mine to use')
    expect(await first(`?project_id=${seen}`)).toBe('')
    const more = await newProject(server, 'Mine, too')
    await make(server, `/organization/projects/${more}/users`, { user_id: ben, role: 'member' })
    expect(await first('')).toBe('')
    expect(await first(`?project_id=${more}`)).toBe('Mine, too')
  })

  test('an owner begins a new key in the project of the filter unless that is archived', async () => {
    const { server, open } = console()
    const active = await newProject(server, 'Going on')
    const archived = await newProject(server, 'Given up')
    await make(server, `/organization/projects/${archived}/archive`, {})
    const first = async (project_id: string) => {
      const page = await open(`/my-keys?project_id=${project_id}`, { as: server.owner_id })
      await page.getByRole('button', { name: 'Make a key' }).click()
      const choice = page.getByRole('dialog').getByRole('combobox', { name: 'Project' })
      await choice.waitFor()
      // The name of a project that is chosen comes after its id.
      await page.waitForFunction(
        () => !document.querySelector<HTMLInputElement>('dialog .choice input')!.value.startsWith('proj_'),
      )
      return choice.inputValue()
    }
    expect(await first(active)).toBe('Going on')
    expect(await first(archived)).toBe('')
  })

  test('the project in the address bar filters the list, and “back” brings the last page again', async () => {
    const { server, open } = console()
    const project_id = await newProject(server, 'Other')
    const page = await open('/my-keys', { as: server.owner_id })
    await page.getByRole('combobox', { name: 'Project' }).fill('Other')
    await page.getByRole('option', { name: 'Other' }).click()
    await page.getByRole('heading', { name: 'You have no key in this project' }).waitFor()
    expect(new URL(page.url()).searchParams.get('project_id')).toBe(project_id)
    await page.getByRole('link', { name: 'Sessions' }).click()
    await page.getByRole('heading', { name: 'Sessions', level: 1 }).waitFor()
    expect(await page.title()).toBe('Sessions – Keyhall')
    await page.goBack()
    await page.getByRole('heading', { name: 'You have no key in this project' }).waitFor()
  })
})
