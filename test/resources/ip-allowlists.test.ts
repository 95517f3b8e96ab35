/**
 * IP allow lists: what they take and refuse, where they are active, and that nobody is locked out
 * by mistake.
 */
import { expect, test } from 'bun:test'
import { Keyhall } from '../../client/index.ts'
import { newProject } from '../made.ts'
import { addTenant, onBothEngines, type Tenant } from '../setup.ts'

const PATH = '/organization/ip_allowlists'

onBothEngines('IP allow lists', (server) => {
  const send = async (method: string, path: string, body?: unknown, tenant: Tenant = server()) => {
    const answer = await tenant.request(method, path, body)
    const json = (await answer.json()) as any
    return json.error ? [answer.status, json.error.code, json.error.param] : json
  }
  const create = async (allowed_ips: string[], tenant: Tenant = server()) =>
    (await send('POST', PATH, { name: 'Office', allowed_ips }, tenant)).id as string
  const toggle = (verb: string, ids: string[], more: object = {}, tenant: Tenant = server()) =>
    send('POST', `${PATH}/${verb}`, { ip_allowlist_ids: ids, ...more }, tenant)

  test('keep each network in its one form, and leave the events of the official types', async () => {
    await server().events()
    const given = ['192.0.2.1/32', '2001:DB8::/32', '::ffff:10.0.0.0/104']
    const made = await send('POST', PATH, { name: 'Office', allowed_ips: given })
    const allowed_ips = ['192.0.2.1', '2001:db8::/32', '10.0.0.0/8']
    expect(made).toEqual({
      object: 'organization.ip_allowlist',
      id: expect.stringMatching(/^ipallow_/),
      name: 'Office',
      allowed_ips,
      created_at: expect.any(Number),
      active: false,
    })
    expect(await send('GET', `${PATH}/${made.id}`)).toEqual(made)
    const event = async () => (await server().client.admin.organization.auditLogs.list({ limit: 1 })).data[0]
    expect(await event()).toMatchObject({ 'ip_allowlist.created': { id: made.id, name: 'Office', allowed_ips } })
    expect(await send('POST', `${PATH}/${made.id}`, { allowed_ips: ['192.0.2.0/24'] })).toEqual({
      ...made,
      allowed_ips: ['192.0.2.0/24'],
    })
    expect(await event()).toMatchObject({ 'ip_allowlist.updated': { id: made.id, allowed_ips: ['192.0.2.0/24'] } })
    await toggle('activate', [made.id])
    expect(await event()).toMatchObject({
      'ip_allowlist.config.activated': { configs: [{ id: made.id, name: 'Office' }] },
    })
    await toggle('deactivate', [made.id])
    expect(await event()).toMatchObject({ 'ip_allowlist.config.deactivated': { configs: [{ id: made.id }] } })
    await send('DELETE', `${PATH}/${made.id}`)
    expect(await event()).toMatchObject({ 'ip_allowlist.deleted': { id: made.id, allowed_ips: ['192.0.2.0/24'] } })
    expect(Object.values(await server().events())).toEqual([1, 1, 1, 1, 1])
    expect(await send('GET', `${PATH}/${made.id}`)).toEqual([404, 'ip_allowlist_not_found', null])
  })

  test('refuse what is no network, and say which one', async () => {
    const refused = (allowed_ips: unknown) => send('POST', PATH, { name: 'Office', allowed_ips })
    expect(await refused(['192.0.2.1', '192.0.2.1/24'])).toEqual([400, 'unusable_value', 'allowed_ips[1]'])
    expect(await refused(['everywhere'])).toEqual([400, 'unusable_value', 'allowed_ips[0]'])
    expect(await refused(['10.0.0.0/8', '::ffff:10.0.0.0/104'])).toEqual([400, 'unusable_value', 'allowed_ips[1]'])
    expect(await refused([])).toEqual([400, 'array_below_min_length', 'allowed_ips'])
    const many = Array.from({ length: 51 }, (_, n) => `10.0.0.${n}`)
    expect(await refused(many)).toEqual([400, 'array_above_max_length', 'allowed_ips'])
    const answer = await server().request('POST', PATH, { name: 'x', allowed_ips: ['10.1.2.3/8'] })
    expect(await answer.text()).toContain("'10.1.2.3/8' has bits behind its prefix; the network is 10.0.0.0/8.")
  })

  test('are toggled together or not at all, and doing it again changes nothing', async () => {
    const tenant = await addTenant(server())
    const [one, two] = [await create(['192.0.2.0/24'], tenant), await create(['10.0.0.0/8'], tenant)]
    const active = async () => {
      const { data } = await send('GET', PATH, undefined, tenant)
      return (data as { id: string; active: boolean }[]).filter((list) => list.active).map(({ id }) => id)
    }
    expect(await toggle('activate', [one, 'ipallow_none'], {}, tenant)).toEqual([
      404,
      'ip_allowlist_not_found',
      'ip_allowlist_ids',
    ])
    expect(await active()).toEqual([])
    const both = await toggle('activate', [one, two, one], {}, tenant)
    expect(both).toMatchObject({
      object: 'organization.ip_allowlist.activation',
      data: [
        { id: one, active: true },
        { id: two, active: true },
      ],
    })
    expect((await active()).toSorted()).toEqual([one, two].toSorted())
    await toggle('activate', [two], {}, tenant)
    const events = (await send(
      'GET',
      '/organization/audit_logs?event_types[]=ip_allowlist.config.activated',
      undefined,
      tenant,
    )) as {
      data: unknown[]
    }
    expect(events.data).toHaveLength(2)
    expect(await send('DELETE', `${PATH}/${two}`, undefined, tenant)).toEqual([400, 'invalid_value', null])
    await toggle('deactivate', [two], {}, tenant)
    expect(await active()).toEqual([one])
    expect((await send('DELETE', `${PATH}/${two}`, undefined, tenant)).deleted).toBe(true)
  })

  test('of another organization are not there', async () => {
    const id = await create(['192.0.2.0/24'])
    const tenant = await addTenant(server())
    expect(await toggle('activate', [id], {}, tenant)).toEqual([404, 'ip_allowlist_not_found', 'ip_allowlist_ids'])
    expect((await send('GET', PATH, undefined, tenant)).data).toEqual([])
  })

  test('are active at most ten at a time, each in the places where it was activated', async () => {
    const { id: project_id } = await newProject(server())
    const path = `/organization/projects/${project_id}/ip_allowlists`
    const ids = []
    for (let n = 0; n < 11; n++) ids.push(await create([`10.0.0.${n}`]))
    expect((await send('POST', `${path}/activate`, { ip_allowlist_ids: ids.slice(1) })).data).toHaveLength(10)
    expect(await send('POST', `${path}/activate`, { ip_allowlist_ids: ids.slice(0, 1) })).toEqual([
      400,
      'unusable_value',
      'ip_allowlist_ids',
    ])
    const [last] = ids.toReversed()
    expect((await send('GET', `${PATH}/${last}`)).active).toBe(false)
    const inProject = (await send('GET', `${path}?limit=1`)).data
    expect(inProject).toMatchObject([{ object: 'organization.project.ip_allowlist', id: last, active: true }])
    expect(await send('DELETE', `${PATH}/${last}`)).toEqual([400, 'invalid_value', null])
    // Of an archived project no key opens anything, so its lists are in nobody's way.
    await server().client.admin.organization.projects.archive(project_id)
    expect(await send('POST', `${path}/deactivate`, { ip_allowlist_ids: ids })).toHaveLength(3)
    expect((await send('DELETE', `${PATH}/${last}`)).deleted).toBe(true)
  })

  test('lock the caller out only where the caller says so', async () => {
    const tenant = await addTenant(server())
    const lockedOut = [400, 'would_lock_out', 'force']
    const [ours, theirs] = [await create(['192.0.2.0/24'], tenant), await create(['10.0.0.0/8'], tenant)]
    expect(await toggle('activate', [theirs], {}, tenant)).toEqual(lockedOut)
    expect(await toggle('activate', [theirs], { force: false }, tenant)).toEqual(lockedOut)
    await toggle('activate', [ours, theirs], {}, tenant)
    expect(await toggle('deactivate', [ours], {}, tenant)).toEqual(lockedOut)
    expect(await send('POST', `${PATH}/${ours}`, { allowed_ips: ['192.0.2.2'] }, tenant)).toEqual(lockedOut)
    expect((await send('GET', `${PATH}/${ours}`, undefined, tenant)).allowed_ips).toEqual(['192.0.2.0/24'])
    expect((await send('POST', `${PATH}/${theirs}`, { allowed_ips: ['10.0.0.1'] }, tenant)).active).toBe(true)
    // Taking them all away locks nobody out.
    await toggle('deactivate', [ours, theirs], {}, tenant)
    expect(await toggle('activate', [theirs], { force: true }, tenant)).toMatchObject({ data: [{ active: true }] })
    expect(await send('GET', PATH, undefined, tenant)).toEqual([401, 'ip_not_authorized', null])
  })

  test('are an extension that our client has', async () => {
    const client = new Keyhall({
      adminAPIKey: server().admin_key,
      baseURL: 'http://keyhall.test/v1',
      fetch: async (url, init) => server().fetch(new Request(url, init)),
    })
    const { ipAllowlists, projects } = client.admin.organization
    const made = await ipAllowlists.create({ name: 'Data centre', allowed_ips: ['203.0.113.0/24'] })
    const { data } = await projects.ipAllowlists.activate(server().project_id, { ip_allowlist_ids: [made.id] })
    expect(data[0]).toMatchObject({ id: made.id, active: true })
    await projects.ipAllowlists.deactivate(server().project_id, { ip_allowlist_ids: [made.id] })
  })
})
