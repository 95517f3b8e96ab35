/** How each operation on the certificates of the organization is called with success. */
import type { contract } from '../contract/index.ts'
import { makeAuthority } from './certificates.ts'
import { leaveRoomForCertificate, make, newCertificate, unique } from './made.ts'
import { nothing, type Recipes } from './recipe.ts'
import type { Tenant } from './setup.ts'

const certificate = async (tenant: Tenant) => ({ params: { certificate_id: await newCertificate(tenant) } })

export const certificates: Recipes<typeof contract.admin.organization.certificates> = {
  list: { prepare: nothing, events: {} },
  create: {
    prepare: async (tenant) => {
      await leaveRoomForCertificate(tenant)
      return { params: {}, body: { certificate: makeAuthority().pem, name: 'Clients' } }
    },
    events: { 'certificate.created': 1 },
  },
  retrieve: { prepare: certificate, events: {} },
  update: {
    prepare: async (tenant) => ({ ...(await certificate(tenant)), body: { name: unique('Renamed') } }),
    events: { 'certificate.updated': 1 },
  },
  delete: { prepare: certificate, events: { 'certificate.deleted': 1 } },
  activate: {
    prepare: async (tenant) => ({ params: {}, body: { certificate_ids: [await newCertificate(tenant)] } }),
    events: { 'certificates.activated': 1 },
  },
  deactivate: {
    prepare: async (tenant) => {
      const body = { certificate_ids: [await newCertificate(tenant)] }
      await make(tenant, '/organization/certificates/activate', body)
      return { params: {}, body }
    },
    events: { 'certificates.deactivated': 1 },
  },
}
