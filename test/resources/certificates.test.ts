/** Certificates of authorities: what may be uploaded, and how they are activated and deleted. */
import { expect, test } from 'bun:test'
import { MOST_CERTIFICATES } from '../../contract/certificates.ts'
import { toPem } from '../../keys/certificates/certificate.ts'
import { makeAuthority, sequence, type Wish } from '../certificates.ts'
import { make, newCertificate, newProject } from '../made.ts'
import { addTenant, onBothEngines, type Tenant } from '../setup.ts'
import { generateKeyPairSync } from 'node:crypto'

const PATH = '/organization/certificates'
const now = () => Math.floor(Date.now() / 1000)
const DAY = 86_400

const send = async (tenant: Tenant, method: string, path: string, body?: object) => {
  const response = await tenant.request(method, path, body)
  return { status: response.status, body: (await response.json()) as any }
}

onBothEngines('certificates', (server) => {
  test('are kept as the official SDK shows them, with the PEM only where it is asked for', async () => {
    const { certificates } = server().client.admin.organization
    const { pem } = makeAuthority({ from: 1_700_000_000, until: 4_000_000_000 })
    const made = await certificates.create({ certificate: `\n${pem}\n`, name: 'Laptops' })
    expect(made).toEqual({
      object: 'certificate',
      id: made.id,
      name: 'Laptops',
      created_at: made.created_at,
      certificate_details: { valid_at: 1_700_000_000, expires_at: 4_000_000_000 },
    })
    expect(made.id).toStartWith('cert_')
    expect(await certificates.retrieve(made.id)).toEqual(made)
    const { certificate_details } = await certificates.retrieve(made.id, { include: ['content'] })
    expect(certificate_details).toEqual({ ...made.certificate_details, content: pem })
    expect((await certificates.create({ certificate: pem })).name).toBe(null)
    expect(await certificates.update(made.id, { name: 'Desktops' })).toEqual({ ...made, name: 'Desktops' })
    await server().events()
    expect(await certificates.update(made.id, {})).toEqual({ ...made, name: 'Desktops' })
    expect(await server().events()).toEqual({})
    expect(await certificates.delete(made.id)).toEqual({ object: 'certificate.deleted', id: made.id })
    const [event] = (await server().client.admin.organization.auditLogs.list({ resource_ids: [made.id] })).data
    expect(event!['certificate.deleted']).toEqual({ id: made.id, name: 'Desktops', certificate: pem })
  })

  const small = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const plain = { id: '1.2.3.4', critical: false, value: sequence() }
  const critical = { critical: true, value: sequence() }
  const wrong: [name: string, wish: Partial<Wish>, says: string][] = [
    ['of no authority', { isAuthority: false, keyUsage: [5, 6] }, 'CA:TRUE'],
    ['without key usage', { keyUsage: null }, 'certificate sign and CRL sign'],
    ['without CRL sign', { keyUsage: [5] }, 'certificate sign and CRL sign'],
    ['without certificate sign', { keyUsage: [6] }, 'certificate sign and CRL sign'],
    ['without a subject key id', { withSubjectKeyId: false }, 'no subject key identifier'],
    ['without an authority key id', { withAuthorityKeyId: false }, 'no authority key identifier'],
    ['that has expired', { until: now() - 5 }, 'has expired'],
    ['that expires within a day', { until: now() + DAY - 60 }, 'expires within a day'],
    ['with name constraints', { extensions: [{ id: '2.5.29.30', ...critical }] }, 'not understood: 2.5.29.30'],
    ['with an unknown critical extension', { extensions: [{ id: '1.2.3.4', ...critical }] }, 'not understood: 1.2.3.4'],
    ['with a small key', { keys: small, by: makeAuthority() }, '2048 bits'],
    ['that names itself as its issuer and is signed by another key', forged(), 'not that of its own key'],
    ['with an extension twice', { extensions: [plain, plain] }, 'stands twice'],
  ]
  for (const [name, wish, says] of wrong)
    test(`refuses a certificate ${name}`, async () => {
      const { status, body } = await send(server(), 'POST', PATH, { certificate: makeAuthority(wish).pem })
      expect({ status, ...body.error }).toMatchObject({ status: 400, code: 'unusable_value', param: 'certificate' })
      expect(body.error.message).toContain(says)
    })

  test('refuses what is not one certificate in PEM', async () => {
    const { pem, der, key } = makeAuthority()
    const cut = toPem(der.subarray(0, der.length - 3))
    const longer = toPem(Buffer.concat([der, Buffer.from([0])]))
    const texts = [
      'x',
      key,
      pem + makeAuthority().pem,
      pem + key,
      pem.replace('BEGIN', 'begin'),
      cut,
      longer,
      der.toString('base64'),
    ]
    for (const certificate of [...texts, pem.replace(/^M/m, 'N'), pem.replace(/^M/m, '!'), ' '.repeat(15_500) + pem])
      expect(await send(server(), 'POST', PATH, { certificate })).toMatchObject({
        status: 400,
        body: { error: { param: 'certificate' } },
      })
  })

  test(`takes at most ${MOST_CERTIFICATES} of an organization`, async () => {
    const tenant = await addTenant(server())
    for (let n = 0; n < MOST_CERTIFICATES; n++) await make(tenant, PATH, { certificate: makeAuthority().pem })
    const [oldest] = (await send(tenant, 'GET', `${PATH}?order=asc&limit=1`)).body.data
    const more = () => send(tenant, 'POST', PATH, { certificate: makeAuthority().pem })
    expect(await more()).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringContaining('at most 50') } },
    })
    await send(tenant, 'DELETE', `${PATH}/${oldest.id}`)
    expect((await more()).status).toBe(200)
  })

  test('are toggled all or none, and doing it again changes nothing', async () => {
    const tenant = await addTenant(server())
    const { id: project_id } = await newProject(tenant)
    const ids = [await newCertificate(tenant), await newCertificate(tenant)]
    for (const [path, object] of [
      [PATH, 'organization.certificate'],
      [`/organization/projects/${project_id}/certificates`, 'organization.project.certificate'],
    ]) {
      const active = async () =>
        (await send(tenant, 'GET', `${path}?order=asc`)).body.data.map((one: any) => [one.object, one.active])
      const toggle = (what: string, certificate_ids: string[]) =>
        send(tenant, 'POST', `${path}/${what}`, { certificate_ids })
      expect(await active()).toEqual([
        [object, false],
        [object, false],
      ])
      expect(await toggle('activate', [ids[0]!, 'cert_none'])).toMatchObject({
        status: 404,
        body: { error: { code: 'certificate_not_found', param: 'certificate_ids' } },
      })
      expect(await active()).toEqual([
        [object, false],
        [object, false],
      ])
      const { body } = await toggle('activate', [ids[1]!, ids[0]!, ids[1]!])
      expect(body.object).toBe(`${object}.activation`)
      expect(body.data.map(({ id, active }: any) => [id, active])).toEqual([
        [ids[1], true],
        [ids[0], true],
      ])
      expect(await toggle('activate', ids)).toMatchObject({ status: 200 })
      expect(await active()).toEqual([
        [object, true],
        [object, true],
      ])
      const off = (await toggle('deactivate', [ids[0]!])).body
      expect(off.object).toBe(`${object}.deactivation`)
      expect(off.data).toMatchObject([{ object, id: ids[0], active: false }])
      expect((await toggle('deactivate', [ids[0]!])).status).toBe(200)
      expect(await active()).toEqual([
        [object, false],
        [object, true],
      ])
    }
    const { data } = (await send(tenant, 'GET', '/organization/audit_logs?limit=100')).body
    const toggles = data.filter(({ type }: any) => type.startsWith('certificates.'))
    const inProject = toggles.filter(({ project }: any) => project.id === project_id)
    const types = (entries: any[]) => entries.map(({ type }) => type).toReversed()
    const expected = ['certificates.activated', 'certificates.activated', 'certificates.deactivated']
    expect([types(inProject), types(toggles)]).toEqual([expected, [...expected, ...expected]])
  })

  test('refuse no certificates, more than ten, and those of another organization', async () => {
    const other = await newCertificate(await addTenant(server()))
    for (const [certificate_ids, status] of [
      [[], 400],
      [Array(11).fill('cert_a'), 400],
      [[other], 404],
    ] as const)
      expect((await send(server(), 'POST', `${PATH}/activate`, { certificate_ids })).status).toBe(status)
  })

  test('are deleted only when they are active nowhere; an archived project does not count', async () => {
    const tenant = await addTenant(server())
    const [id, { id: project_id }] = [await newCertificate(tenant), await newProject(tenant)]
    const body = { certificate_ids: [id] }
    await make(tenant, `${PATH}/activate`, body)
    await make(tenant, `/organization/projects/${project_id}/certificates/activate`, body)
    const remove = async () => {
      const { status, body } = await send(tenant, 'DELETE', `${PATH}/${id}`)
      return [status, body.error?.message ?? null]
    }
    expect(await remove()).toEqual([400, `The certificate ${id} is active for the organization: deactivate it before.`])
    await make(tenant, `${PATH}/deactivate`, body)
    expect(await remove()).toEqual([
      400,
      `The certificate ${id} is active for project ${project_id}: deactivate it before.`,
    ])
    await make(tenant, `/organization/projects/${project_id}/archive`, {})
    expect(await remove()).toEqual([200, null])
    expect((await send(tenant, 'GET', `${PATH}/${id}`)).status).toBe(404)
  })

  test('that somebody adds or activates without the pepper are not active', async () => {
    const tenant = await addTenant(server())
    const { organization_id, database } = tenant
    const id = await newCertificate(tenant)
    const row = { organization_id, project_id: '', certificate_ids: JSON.stringify([id]), mac: new Uint8Array(32) }
    const active = async () => (await send(tenant, 'GET', PATH)).body.data[0].active
    await database.write((sql) => sql.insertInto('active_certificates').values(row).execute())
    expect(await active()).toBe(false)
    await make(tenant, `${PATH}/activate`, { certificate_ids: [id] })
    expect(await active()).toBe(true)
    const forged = await newCertificate(tenant)
    await database.write((sql) =>
      sql.updateTable('certificates').set({ content: makeAuthority().pem }).where('id', '=', forged).execute(),
    )
    expect((await send(tenant, 'POST', `${PATH}/activate`, { certificate_ids: [forged] })).status).toBe(404)
  })
})

/** Has the name of an authority and another key. */
function forged(): Partial<Wish> {
  const { privateKey } = makeAuthority()
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { keys, by: { name: 'Test CA', privateKey, publicKey: keys.publicKey } }
}
