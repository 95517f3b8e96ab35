/**
 * Which client certificates are accepted changes at once, on every server; and nobody who can
 * write the database but lacks the pepper adds an authority.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { ClientCertificate } from '../../keys/certificates/client-certificate.ts'
import { hasTrustMac, renewTrustMacs } from '../../keys/trust-mac.ts'
import { Secret } from '../../world/secret.ts'
import { makeAuthority, makeCertificate, type MadeCertificate } from '../certificates.ts'
import { make, newServiceAccount } from '../made.ts'
import { startOther } from '../other-server.ts'
import { engines, START_MILLISECONDS, startServer, testPepper, type TestServer } from '../setup.ts'

setDefaultTimeout(60_000)

const DAY = 86_400
const authority = makeAuthority({ name: 'Clients', until: Math.floor(Date.now() / 1000) + 40 * DAY })
const client = makeCertificate({ name: 'client', by: authority })
const mine = makeAuthority({ name: 'Mine' })
const myClient = makeCertificate({ name: 'me', by: mine })
const shown: Record<string, ClientCertificate> = {
  client: ClientCertificate.read([client.der]) as ClientCertificate,
  me: ClientCertificate.read([myClient.der]) as ClientCertificate,
}
/** By a header, in the place of a connection. */
const presentedBy = (request: Request) => shown[request.headers.get('x-shown') ?? ''] ?? null

for (const engine of engines)
  describe(`active certificates (${engine})`, () => {
    let server: TestServer
    const forged: unknown[] = []
    let project_id: string
    let key: string
    let certificate_ids: string[]
    beforeAll(async () => {
      server = await startServer(engine, { presentedBy, onError: (_, id) => forged.push(id) })
    }, START_MILLISECONDS)
    afterAll(() => server.stop())
    beforeEach(async () => {
      const account = await newServiceAccount(server)
      project_id = account.project_id
      key = account.api_key.value
      certificate_ids = [await upload(authority)]
    })

    const upload = async ({ pem }: MadeCertificate) =>
      (await make(server, '/organization/certificates', { certificate: pem })).id
    const activate = () =>
      make(server, `/organization/projects/${project_id}/certificates/activate`, { certificate_ids })
    const verify = (who: string) =>
      new Request('http://keyhall.test/verify', { headers: { authorization: `Bearer ${key}`, 'x-shown': who } })
    const opens = async (who: string) => (await server.fetch(verify(who))).status

    test('are those of every server before the change is answered', async () => {
      const other = await startOther(server, { presentedBy })
      const otherOpens = async (who: string) => (await other.fetch(verify(who))).status
      expect([await opens(''), await otherOpens('')]).toEqual([200, 200])
      await activate()
      expect([await opens(''), await otherOpens('')]).toEqual([401, 401])
      expect([await opens('client'), await otherOpens('client')]).toEqual([200, 200])
      await make(server, '/organization/certificates/activate', { certificate_ids: [await upload(mine)] })
      expect([await opens('me'), await otherOpens('me')]).toEqual([200, 200])
      const { data } = (await (await server.request('GET', '/organization/certificates')).json()) as {
        data: { id: string; active: boolean }[]
      }
      const active = data.filter((one) => one.active).map(({ id }) => id)
      await make(server, '/organization/certificates/deactivate', { certificate_ids: active })
      expect([await opens('me'), await otherOpens('me')]).toEqual([401, 401])
      await other.stop()
    })

    test('end at the moment at which a certificate expires, although it was accepted before', async () => {
      await activate()
      expect(await opens('client')).toBe(200)
      server.world.ahead = 31 * DAY
      expect(await opens('client')).toBe(401)
      server.world.ahead = 0
      expect(await opens('client')).toBe(200)
    })

    const forget = () => server.context.cache.forget(null)

    test('an authority whose row was changed accepts nobody, and the requirement stays', async () => {
      await activate()
      const change = (content: string) =>
        server.database.write((sql) =>
          sql.updateTable('certificates').set({ content }).where('id', '=', certificate_ids[0]!).execute(),
        )
      await change(mine.pem)
      forget()
      expect([await opens('me'), await opens('client'), await opens('')]).toEqual([401, 401, 401])
      expect(forged).toContain(certificate_ids[0]!)
      await change(authority.pem)
      forget()
      expect(await opens('client')).toBe(200)
    })

    test('a set that was changed accepts nobody, also where it names a genuine authority', async () => {
      await activate()
      const other = await upload(mine)
      await server.database.write((sql) =>
        sql
          .updateTable('active_certificates')
          .set({ certificate_ids: JSON.stringify([other]) })
          .where('project_id', '=', project_id)
          .execute(),
      )
      forget()
      expect([await opens('me'), await opens('client'), await opens('')]).toEqual([401, 401, 401])
      expect(forged).toContain(project_id)
    })

    test('keep their MACs under the new pepper when the old one is retired, and forged ones get none', async () => {
      await activate()
      const other = await upload(mine)
      const renewed = new Secret(new Uint8Array(32).fill(8))
      const genuine = await server.database.write(async (sql) => {
        await sql.updateTable('certificates').set({ content: mine.pem }).where('id', '=', certificate_ids[0]!).execute()
        await renewTrustMacs(sql, [renewed, testPepper])
        const rows = await sql
          .selectFrom('certificates')
          .selectAll()
          .where('id', 'in', [other, certificate_ids[0]!])
          .execute()
        const sets = await sql
          .selectFrom('active_certificates')
          .selectAll()
          .where('project_id', '=', project_id)
          .execute()
        const found = [
          ...rows.filter((row) => hasTrustMac([renewed], 'certificates', row)).map(({ id }) => id),
          ...sets.filter((row) => hasTrustMac([renewed], 'active_certificates', row)).map((row) => row.project_id),
        ]
        // The server of the other tests still has the old pepper.
        await renewTrustMacs(sql, [testPepper, renewed])
        return found
      })
      expect(genuine).toEqual([other, project_id])
    })

    test('an authority that was added with its row accepts nobody', async () => {
      await activate()
      const row = {
        organization_id: server.organization_id,
        project_id: '',
        certificate_ids: JSON.stringify(['cert_x']),
      }
      const [genuine] = await server.database.read
        .selectFrom('certificates')
        .selectAll()
        .where('id', '=', certificate_ids[0]!)
        .execute()
      await server.database.write(async (sql) => {
        await sql
          .insertInto('certificates')
          .values({ ...genuine!, id: 'cert_x', content: mine.pem })
          .execute()
        await sql
          .insertInto('active_certificates')
          .values({ ...row, mac: genuine!.mac! })
          .execute()
      })
      forget()
      expect([await opens('me'), await opens('client')]).toEqual([401, 200])
      await server.database.write((sql) => sql.deleteFrom('active_certificates').where('project_id', '=', '').execute())
    })
  })
