/** External keys and external storage through the official SDK: what they take, keep and refuse. */
import { expect, test } from 'bun:test'
import { BadRequestError, NotFoundError } from 'openai'
import { addTenant, onBothEngines } from '../setup.ts'
import { newProject } from '../made.ts'

const role_arn = 'arn:aws:iam::123456789012:role/keyhall'
const uuid = '0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f'
const pool = {
  workload_identity_pool_id: 'keyhall-pool',
  workload_identity_project_number: '123456789012',
  workload_identity_provider_id: 'keyhall-provider',
}
const kmsArn = `arn:aws:kms:eu-west-1:123456789012:key/${uuid}`
const keys = (organization_id: string) => ({
  aws: { external_id: organization_id, kms_arn: kmsArn, role_arn },
  gcp: {
    audience: organization_id,
    kms_key_location: 'europe-west1',
    kms_key_name: 'master',
    kms_key_ring_name: 'ring',
    kms_project_id: 'our-keys',
    ...pool,
  },
  azure: { key_name: 'master', tenant_id: uuid, vault_uri: 'https://our-keys.vault.azure.net' },
  oci: {
    key_ocid: 'ocid1.key.oc1.eu-frankfurt-1.abcd.efgh',
    region: 'eu-frankfurt-1',
    vault_ocid: 'ocid1.vault.oc1.eu-frankfurt-1.abcd.efgh',
  },
})
const versions = {
  gcp: { kms_key_version: '7' },
  azure: { key_version: '0123456789abcdef0123456789abcdef' },
  oci: { key_version_ocid: 'ocid1.keyversion.oc1.eu-frankfurt-1.abcd.efgh' },
} as const
const providers = {
  aws: { bucket: 'our-answers', role_arn },
  azure: {
    account_name: 'ouranswers',
    container: 'answers',
    resource_group: 'models',
    subscription_id: uuid,
    tenant_id: uuid,
  },
  gcp: { bucket: 'our_answers', ...pool },
  oci: { bucket: 'Our.Answers', region: 'ap-tokyo-1', tenancy_ocid: 'ocid1.tenancy.oc1..abcd' },
}
const types = ['aws', 'gcp', 'azure', 'oci'] as const

onBothEngines('external keys', (server) => {
  const api = () => server().client.admin.organization.externalKeys
  const create = async (body: object) => {
    const answer = await server().request('POST', '/organization/external_keys', { name: 'Master', ...body })
    const json = (await answer.json()) as { error?: { param: string; code: string } }
    return json.error ? [answer.status as unknown, json.error.param, json.error.code] : answer.status
  }

  test('of every type come back as they were registered, and leave their events', async () => {
    await server().events()
    for (const type of types) {
      const members = keys(server().organization_id)[type]
      const made = await api().create({ name: 'Master', type, ...members } as never)
      expect(made).toEqual({
        object: 'organization.external_key',
        id: made.id,
        name: 'Master',
        type,
        purpose: 'ekm',
        created_at: made.created_at,
        api_project_ids: [],
        workspace_id: '',
        ...members,
      })
      expect(await api().retrieve(made.id)).toEqual(made)
      expect(await server().events()).toEqual({ 'external_key.registered': 1 })
      const [event] = (await server().client.admin.organization.auditLogs.list({ limit: 1 })).data
      expect(event).toMatchObject({ 'external_key.registered': { id: made.id, data: { name: 'Master', ...members } } })
      expect(await api().delete(made.id)).toEqual(made)
      expect(await server().events()).toEqual({ 'external_key.removed': 1 })
      expect(
        await api()
          .retrieve(made.id)
          .catch((error: unknown) => error),
      ).toBeInstanceOf(NotFoundError)
    }
  })

  test('need every member of their type, and take none of another', async () => {
    for (const type of types) {
      const members = keys(server().organization_id)[type] as Record<string, string>
      for (const name of Object.keys(members))
        expect(await create({ type, ...members, [name]: undefined })).toEqual([400, name, 'unusable_value'])
      const other = type === 'aws' ? { region: 'eu-frankfurt-1' } : { role_arn }
      expect(await create({ type, ...members, ...other })).toEqual([400, Object.keys(other)[0], 'unusable_value'])
    }
    expect(await create({ type: 'ibm' })).toEqual([400, 'type', 'invalid_value'])
  })

  test('have an exact version for decryption, and none for encryption', async () => {
    for (const type of ['gcp', 'azure', 'oci'] as const) {
      const members = { type, ...keys(server().organization_id)[type] }
      const [[name, version]] = Object.entries(versions[type]) as [[string, string]]
      expect(await create({ ...members, [name]: version })).toEqual([400, name, 'unusable_value'])
      expect(await create({ ...members, purpose: 'psp_decryption' })).toEqual([400, name, 'unusable_value'])
      expect(await create({ ...members, purpose: 'psp_decryption', [name]: version })).toBe(200)
    }
    expect(await create({ type: 'aws', ...keys(server().organization_id).aws, purpose: 'psp_decryption' })).toBe(200)
  })

  const wrong: [type: (typeof types)[number], member: string, values: string[]][] = [
    ['aws', 'kms_arn', ['key', 'arn:aws:kms:eu-west-1:12:key/x', 'arn:aws:s3:::bucket', `${kmsArn}\n`]],
    ['aws', 'role_arn', ['arn:aws:iam::123456789012:user/x', 'arn:aws:iam::1:role/x', '']],
    ['gcp', 'kms_key_name', ['a/b', 'ä', 'a'.repeat(64)]],
    ['gcp', 'kms_project_id', ['X', '1abcdef', '../other']],
    ['gcp', 'workload_identity_project_number', ['12a', '']],
    [
      'azure',
      'vault_uri',
      ['http://x.vault.azure.net', 'https://vault.azure.net.example.com', 'https://a.b.vault.azure.net'],
    ],
    ['azure', 'tenant_id', ['0a1b2c3d', `{${uuid}}`]],
    ['oci', 'key_ocid', ['ocid1.vault.oc1.x.y', 'ocid1.key']],
    ['oci', 'region', ['frankfurt', 'EU-FRANKFURT-1']],
  ]
  test('have names in the form that their provider gives them', async () => {
    for (const [type, member, values] of wrong)
      for (const value of values) {
        const answer = await create({ type, ...keys(server().organization_id)[type], [member]: value })
        expect([member, value, (answer as unknown[])[0], (answer as unknown[])[1]]).toEqual([
          member,
          value,
          400,
          member,
        ])
      }
  })

  test('name only the own organization or a project of it', async () => {
    const { id: project_id } = await newProject(server())
    const other = await addTenant(server())
    const with_ = (external_id: string) => create({ type: 'aws', ...keys('').aws, external_id })
    expect(await with_(project_id)).toBe(200)
    for (const foreign of [other.organization_id, other.project_id, 'org-x'])
      expect(await with_(foreign)).toEqual([400, 'external_id', 'unusable_value'])
    expect(await create({ type: 'gcp', ...keys(other.organization_id).gcp })).toEqual([
      400,
      'audience',
      'unusable_value',
    ])
  })

  test('know which projects name them, and stay as long as one does', async () => {
    const made = await api().create({ name: 'Used', type: 'azure', ...keys('').azure })
    const { organization } = server().client.admin
    const project = await organization.projects.create({ name: 'Sealed', external_key_id: made.id })
    expect((await api().retrieve(made.id)).api_project_ids).toEqual([project.id])
    const listed = await api().list({ limit: 1 })
    expect(listed.data).toEqual([{ ...made, api_project_ids: [project.id] }])
    await server().events()
    const refused = await api()
      .delete(made.id)
      .catch((error: Error) => error)
    expect(refused).toBeInstanceOf(BadRequestError)
    expect(refused).toMatchObject({ message: expect.stringContaining(`is the 'external_key_id' of ${project.id}`) })
    expect(await server().events()).toEqual({})
    await organization.projects.update(project.id, { external_key_id: null })
    expect((await api().delete(made.id)).api_project_ids).toEqual([])
  })

  test('are listed by purpose, page by page', async () => {
    const all = []
    for await (const key of api().list({ limit: 2, order: 'asc' })) all.push(key)
    for (const purpose of ['ekm', 'psp_decryption'] as const) {
      const some = []
      for await (const key of api().list({ limit: 1, order: 'asc', purpose })) some.push(key)
      expect(some).toEqual(all.filter((key) => key.purpose === purpose))
      expect(some.length).toBeGreaterThan(0)
    }
  })

  test('are not said to be valid by anybody who did not ask', async () => {
    const { id } = await api().create({ name: 'Master', type: 'azure', ...keys('').azure })
    const error = await api()
      .validate(id)
      .catch((error: unknown) => error)
    expect(error).toBeInstanceOf(BadRequestError)
    expect(error).toMatchObject({ code: 'provider_not_asked' })
    expect(String(error)).toContain(`${id} was not validated: Keyhall calls no cloud provider.`)
    const other = await addTenant(server())
    expect((await other.request('POST', `/organization/external_keys/${id}/validate`)).status).toBe(404)
  })
})

onBothEngines('external storage', (server) => {
  const api = () => server().client.admin.organization.externalStorage
  const create = async (provider: object, project_id = server().project_id) => {
    const answer = await server().request('POST', '/organization/external_storage', { project_id, provider })
    const json = (await answer.json()) as { error?: { param: string; code: string } }
    return json.error ? [answer.status as unknown, json.error.param, json.error.code] : answer.status
  }

  test('of every type comes back with what follows from it, always pending', async () => {
    const { project_id } = server()
    const shown = {
      aws: { ...providers.aws, account_id: '123456789012', external_id: project_id, region: 'unknown' },
      azure: { ...providers.azure, region: 'unknown' },
      gcp: { ...providers.gcp, audience: project_id, region: 'unknown' },
      oci: providers.oci,
    }
    await server().events()
    for (const type of types) {
      const made = await api().create({ project_id, provider: { type, ...providers[type] } as never })
      expect(made).toEqual({
        object: 'organization.external_storage',
        id: made.id,
        project_id,
        created_at: made.created_at,
        geography: type === 'oci' ? 'JP' : 'unknown',
        status: 'pending',
        provider: { type, ...shown[type] } as never,
      })
      expect(await api().retrieve(made.id)).toEqual(made)
      expect(await server().events()).toEqual({ 'external_storage.registered': 1 })
      const [event] = (await server().client.admin.organization.auditLogs.list({ limit: 1 })).data
      expect(event).toMatchObject({
        project: { id: project_id },
        'external_storage.registered': { id: made.id, data: { geography: made.geography, provider: made.provider } },
      })
    }
  })

  test('needs every member of its type, in its form, and takes none of another', async () => {
    for (const type of types) {
      const members = providers[type] as Record<string, string>
      for (const name of Object.keys(members)) {
        const missing = [400, `provider.${name}`, 'unusable_value']
        expect(await create({ type, ...members, [name]: undefined })).toEqual(missing)
        const wrong = (await create({ type, ...members, [name]: ' ' })) as unknown[]
        expect([wrong[0], wrong[1]]).toEqual([400, `provider.${name}`])
      }
      const other = type === 'azure' ? 'bucket' : 'container'
      expect(await create({ type, ...members, [other]: 'answers' })).toEqual([
        400,
        `provider.${other}`,
        'unusable_value',
      ])
    }
    expect(await create({ bucket: 'x' })).toEqual([400, 'provider.type', 'missing_required_parameter'])
  })

  test('belongs to an active project of the organization', async () => {
    const other = await addTenant(server())
    const aws = { type: 'aws', ...providers.aws }
    expect(await create(aws, other.project_id)).toEqual([404, 'project_id', 'project_not_found'])
    const { id } = await newProject(server())
    expect(await create(aws, id)).toBe(200)
    await server().client.admin.organization.projects.archive(id)
    expect(await create(aws, id)).toEqual([400, null, 'project_archived'])
    const listed = await api().list({ project_id: id })
    expect(listed.data.map(({ project_id }) => project_id)).toEqual([id])
    expect((await api().list({ project_id: other.project_id })).data).toEqual([])
  })

  test('is removed once; removing it again is no error and no event', async () => {
    const { id } = await api().create({ project_id: server().project_id, provider: { type: 'aws', ...providers.aws } })
    await server().events()
    const gone = { object: 'organization.external_storage.deleted', id, deleted: true } as const
    expect(await api().delete(id)).toEqual(gone)
    expect(await server().events()).toEqual({ 'external_storage.removed': 1 })
    expect(await api().delete(id)).toEqual(gone)
    expect(await server().events()).toEqual({})
    expect(
      await api()
        .retrieve(id)
        .catch((error: unknown) => error),
    ).toBeInstanceOf(NotFoundError)
  })

  test('is never said to be validated', async () => {
    const { id } = await api().create({ project_id: server().project_id, provider: { type: 'aws', ...providers.aws } })
    const error = await api()
      .validate(id)
      .catch((error: unknown) => error)
    expect(error).toMatchObject({ status: 400, code: 'provider_not_asked' })
    expect((await api().retrieve(id)).status).toBe('pending')
  })
})
