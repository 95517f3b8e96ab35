/** Owners say from which addresses calls are allowed, and what model servers may do with them. */
import { expect, test } from 'bun:test'
import { make } from '../made.ts'
import { expectGoodLooks, inConsole } from './browser.ts'
import { newPerson, newProject } from './people.ts'

const script = '<img src=x onerror=alert(1)>'

inConsole('security', (console) => {
  test('a list that would lock out its owner is activated only after a warning, and not by one click', async () => {
    const { server, open } = console()
    const page = await open('/security', { as: server.owner_id })
    await page.getByRole('heading', { name: 'There is no IP allow list yet' }).waitFor()
    await expectGoodLooks(page)
    await page.getByRole('button', { name: 'Make an IP allow list' }).click()
    await page.getByLabel('Name').fill(`Office ${script}`)
    await page.getByLabel('Addresses').fill('198.51.100.0/24\nnonsense')
    await page.getByRole('button', { name: 'Make the list' }).click()
    await page.getByText("'nonsense'").waitFor()
    await expectGoodLooks(page)
    await page.getByLabel('Addresses').fill('198.51.100.0/24 2001:db8::/32')
    await page.getByRole('button', { name: 'Make the list' }).click()
    await page.getByRole('rowheader', { name: `Office ${script}` }).waitFor()
    await expectGoodLooks(page)

    await page.getByRole('button', { name: /^Activate Office/ }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: 'Activate', exact: true }).click()
    await dialog.getByText('Your own IP address (192.0.2.1) would not be allowed any more').waitFor()
    await dialog.getByRole('button', { name: 'Activate all the same' }).waitFor()
    await expectGoodLooks(page)
    const active = async () =>
      ((await (await server.request('GET', '/organization/ip_allowlists')).json()) as any).data.map(
        (one: { active: boolean }) => one.active,
      )
    expect(await active()).toEqual([false])
    await dialog.getByRole('button', { name: 'Cancel' }).click()

    await page.getByRole('button', { name: 'Change Office' }).click()
    await page.getByLabel('Addresses').fill('198.51.100.0/24\n192.0.2.1')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('192.0.2.1', { exact: true }).waitFor()
    await page.getByRole('button', { name: /^Activate Office/ }).click()
    await dialog.getByRole('button', { name: 'Activate', exact: true }).click()
    await page.getByRole('button', { name: 'Deactivate Office' }).waitFor()
    expect(await active()).toEqual([true])
    await page.getByRole('button', { name: 'Change Office' }).click()
    await page.getByText('This list is active').waitFor()
    await page.getByLabel('Addresses').fill('198.51.100.0/24')
    await page.getByRole('button', { name: 'Save' }).click()
    await dialog.getByText('Your own IP address (192.0.2.1)').waitFor()
    // The warning was about other addresses than those that are sent now.
    await page.getByLabel('Addresses').fill('198.51.100.0/25')
    await page.getByRole('button', { name: 'Save it all the same' }).click()
    await dialog.getByText('Your own IP address (192.0.2.1)').waitFor()
    await page.getByRole('button', { name: 'Cancel' }).click()
    expect(await active()).toEqual([true])
    await page.getByText('192.0.2.1', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Deactivate Office' }).click()
    await dialog.getByRole('button', { name: 'Deactivate', exact: true }).click()
    await page.getByRole('button', { name: /^Activate Office/ }).waitFor()
    await page.getByRole('button', { name: 'Delete Office' }).click()
    await dialog.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('heading', { name: 'There is no IP allow list yet' }).waitFor()
  })

  test('a project has lists and policies of its own, and the gateway keeps to them', async () => {
    const { server, open } = console()
    const project_id = await newProject(server, `Strict ${script}`)
    const list = await make(server, '/organization/ip_allowlists', { name: 'Cluster', allowed_ips: ['198.51.100.7'] })
    const path = `/organization/projects/${project_id}`
    const { api_key } = (await make(server, `${path}/service_accounts`, { name: 'robot' })) as any
    const page = await open(`/projects/${project_id}?tab=addresses`, { as: server.owner_id })
    expect(await server.opens(api_key.value)).toBe(200)
    await page.getByRole('button', { name: /^Activate Cluster/ }).click()
    await expectGoodLooks(page)
    await page.getByRole('dialog').getByRole('button', { name: 'Activate' }).click()
    await page.getByRole('button', { name: 'Deactivate Cluster' }).waitFor()
    await expectGoodLooks(page)
    expect(await server.opens(api_key.value)).toBe(401)
    await page.getByRole('button', { name: 'Deactivate Cluster' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Deactivate' }).click()
    await page.getByRole('button', { name: /^Activate Cluster/ }).waitFor()
    expect(await server.opens(api_key.value)).toBe(200)
    await server.request('DELETE', `/organization/ip_allowlists/${list.id}`)

    await page.getByRole('link', { name: 'Policies' }).click()
    await page.getByLabel('Data retention of this project').selectOption('zero_data_retention')
    await page.getByRole('button', { name: 'Save' }).nth(0).click()
    await page.getByText('Saved.').waitFor()
    // Who works by the keyboard goes on where they were.
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Save')
    await page.getByLabel('Web search').uncheck()
    await page.getByRole('button', { name: 'Save' }).nth(1).click()
    await page.getByText('Saved.').nth(1).waitFor()
    expect(await page.getByLabel('Ultrafast').isDisabled()).toBe(true)
    await page.getByLabel('Every other tier').uncheck()
    await page.getByLabel('Ultrafast').uncheck()
    await page.getByLabel('Requests that name no tier get').selectOption('fast')
    await page.getByRole('button', { name: 'Save' }).nth(2).click()
    await page.getByText('Saved.').nth(2).waitFor()
    await expectGoodLooks(page)
    const { projects } = server.client.admin.organization
    expect(await projects.dataRetention.retrieve(project_id)).toMatchObject({ type: 'zero_data_retention' })
    expect(await projects.hostedToolPermissions.retrieve(project_id)).toMatchObject({
      web_search: { enabled: false },
      file_search: { enabled: true },
    })
    const tiers = (await (await server.request('GET', `${path}/service_tier_settings`)).json()) as unknown
    expect(tiers).toMatchObject({ default: 'fast', enabled_tiers: ['flex', 'fast'] })
  })

  test('a reader sees the policies and changes none, and a member finds no way to them', async () => {
    const { server, open } = console()
    const page = await open('/security?tab=retention', { as: await newPerson(server, { role: 'reader' }) })
    expect(await page.getByLabel('Data retention of every project').isDisabled()).toBe(true)
    expect(await page.getByRole('button', { name: 'Save' }).count()).toBe(0)
    await expectGoodLooks(page)
    const owner = await open('/security?tab=retention', { as: server.owner_id })
    await owner.getByLabel('Data retention of every project').selectOption('enhanced_zero_data_retention')
    await owner.getByRole('button', { name: 'Save' }).click()
    await owner.getByText('Saved.').waitFor()
    expect(await server.client.admin.organization.dataRetention.retrieve()).toMatchObject({
      type: 'enhanced_zero_data_retention',
    })
    const member = await open('/security', { as: await newPerson(server) })
    await member.getByRole('alert').first().waitFor()
    expect(await member.getByRole('link', { name: 'Security' }).count()).toBe(0)
  })
})
