/** Owners find, rotate and revoke the keys of the organization. */
import { expect, test } from 'bun:test'
import { make, newAdminKey } from '../made.ts'
import { expectGoodLooks, inConsole } from './browser.ts'
import { newPerson, newProject } from './people.ts'

const script = '<img src=x onerror=alert(1)>'

inConsole('keys', (console) => {
  test('filters stand in the address, and one click finds the keys whose owner has lost access', async () => {
    const { server, open } = console()
    const project_id = await newProject(server, `Search ${script}`)
    const user_id = await newPerson(server, { name: `Ann ${script}`, project_id })
    const path = `/organization/projects/${project_id}`
    await make(server, `${path}/api_keys`, { user_id, name: `left ${script}` })
    await make(server, `${path}/service_accounts`, { name: 'robot' })
    await server.request('DELETE', `${path}/users/${user_id}`)
    const page = await open('/keys', { as: server.owner_id })
    const table = page.getByRole('table', { name: 'Keys', exact: true })
    await table.getByRole('row').nth(2).waitFor()
    await expectGoodLooks(page)
    await page.getByRole('button', { name: 'Owner has lost access' }).click()
    await page.waitForURL(/access=left/)
    await page.waitForFunction(() => document.querySelectorAll('table')[0]!.rows.length === 2)
    expect(await table.getByRole('row').nth(1).textContent()).toContain(`left ${script}`)
    await page.reload()
    await table.waitFor()
    expect(await page.getByLabel('Access of the owner').inputValue()).toBe('left')
    await page.getByLabel('Name contains').fill('no such')
    await page.getByLabel('Name contains').press('Enter')
    await page.getByRole('heading', { name: 'No such key' }).waitFor()
    // Who works by the keyboard goes on where they were.
    expect(await page.evaluate(() => document.activeElement?.getAttribute('name'))).toBe('name')
    await page.route('**/v1/organization/api_keys*', (route) => route.fulfill({ status: 503, json: {} }))
    await page.getByLabel('Owner', { exact: true }).selectOption('people')
    await page.getByRole('alert').waitFor()
    expect(await page.getByRole('heading', { name: 'No such key' }).count()).toBe(0)
    await page.unroute('**/v1/organization/api_keys*')
    await page.getByRole('button', { name: 'Show all keys' }).click()
    await table.getByRole('row').nth(2).waitFor()
    expect(new URL(page.url()).search).toBe('')
  })

  test('many keys are revoked together, and none before it is confirmed', async () => {
    const { server, open } = console()
    const project_id = await newProject(server, 'Many')
    const path = `/organization/projects/${project_id}/api_keys`
    const keys = []
    for (const name of ['one', 'two', 'three'])
      keys.push((await make(server, path, { user_id: server.owner_id, name })) as { id: string; value: string })
    const page = await open(`/keys?project_id=${project_id}`, { as: server.owner_id })
    await page.getByLabel('Choose one').check()
    await page.getByLabel('Choose three').check()
    await page.getByRole('button', { name: 'Revoke the chosen keys' }).click()
    await page.getByRole('heading', { name: 'Revoke 2 keys?' }).waitFor()
    await expectGoodLooks(page)
    expect(await server.opens(keys[0]!.value)).toBe(200)
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect(await Promise.all(keys.map(({ value }) => server.opens(value)))).toEqual([401, 200, 401])
    await page.getByLabel('Choose one').waitFor({ state: 'detached' })
    expect(await page.getByLabel('Choose two').count()).toBe(1)
  })

  test('a rotated key shows the new value once, and the old key opens until its end', async () => {
    const { server, open } = console()
    const project_id = await newProject(server, 'Rotating')
    const account = await make(server, `/organization/projects/${project_id}/service_accounts`, { name: 'robot' })
    const old = (account as unknown as { api_key: { value: string } }).api_key.value
    const page = await open(`/keys?project_id=${project_id}`, { as: server.owner_id })
    await page.getByRole('button', { name: 'Rotate Secret Key' }).click()
    await page.getByLabel('The old key goes on working').selectOption({ label: 'For one hour' })
    await page.getByRole('button', { name: 'Make the new key' }).click()
    const value = (await page.locator('.secret code').textContent())!
    expect([await server.opens(value), await server.opens(old)]).toEqual([200, 200])
    await page.getByLabel('I have stored the key').check()
    await page.getByRole('button', { name: 'Done' }).click()
    await page.waitForFunction(() => document.querySelectorAll('table')[0]!.rows.length === 3)
    server.world.ahead += 3601
    expect([await server.opens(value), await server.opens(old)]).toEqual([200, 401])
  })

  test('admin keys stand in the same list, and are revoked together with others', async () => {
    const { server, open } = console()
    const project_id = await newProject(server, 'Beside admin keys')
    const path = `/organization/projects/${project_id}/api_keys`
    const key = await make<{ value: string }>(server, path, { user_id: server.owner_id, name: `both ${script}` })
    const admin = await newAdminKey(server, { name: 'both Terraform' })
    const opens = async () => [
      await server.opens(key.value),
      (
        await server
          .clientWith(admin.value)
          .admin.organization.projects.list()
          .asResponse()
          .catch(({ status }) => ({ status }))
      ).status,
    ]
    expect(await opens()).toEqual([200, 200])
    const page = await open('/keys?name=both', { as: server.owner_id })
    const row = page.getByRole('row', { name: 'both Terraform' })
    expect(await row.textContent()).toContain('Admin key')
    expect(await row.textContent()).toContain('Has access')
    expect(await row.getByRole('button', { name: 'Rotate' }).count()).toBe(0)
    await expectGoodLooks(page)
    await page.getByLabel('Kind').selectOption({ label: 'Admin keys' })
    await page.waitForURL(/kind=admin/)
    await page.getByRole('row').nth(2).waitFor({ state: 'detached' })
    await row.getByRole('checkbox').check()
    await page.getByLabel('Kind').selectOption({ label: 'All keys' })
    await page.getByLabel(`Choose both ${script}`).check()
    await page.getByRole('button', { name: 'Revoke the chosen keys' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await page.getByRole('heading', { name: 'No such key' }).waitFor()
    expect(await opens()).toEqual([401, 401])
  })

  test('somebody who may only read sees the keys, and no button that changes one', async () => {
    const { server, open } = console()
    const page = await open('/keys', { as: await newPerson(server, { role: 'reader' }) })
    await page.getByText('First admin key').waitFor()
    expect(await page.getByRole('button', { name: /Revoke|Rotate|Make/ }).count()).toBe(0)
    expect(await page.getByRole('checkbox').count()).toBe(0)
  })
})
