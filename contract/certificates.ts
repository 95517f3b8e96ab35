/**
 * Certificates of authorities (CA) whose client certificates model requests must come with: those
 * of the organization, and which of them are active in a project.
 */
import {
  anyId,
  cursor,
  del,
  get,
  id,
  list,
  name,
  nullable,
  object,
  oneOf,
  optional,
  order,
  post,
  t,
  time,
} from './kit.ts'

/** Most certificates of an organization, and most bytes of one, as at OpenAI. */
export const MOST_CERTIFICATES = 50
export const MOST_PEM_BYTES = 16_000

const validity = {
  valid_at: time('When the certificate becomes valid'),
  expires_at: time('When the certificate expires'),
}

const members = {
  id: id('cert_'),
  name: nullable(t.String()),
  created_at: time('When the certificate was uploaded'),
}

export const Certificate = object(
  'certificate',
  {
    ...members,
    certificate_details: t.Object({
      ...validity,
      content: optional(t.String({ description: 'The certificate in PEM, where it was asked for.' })),
    }),
  },
  'The certificate of an authority (CA). Where one is active for a project or for the organization, model requests must come with a client certificate that chains to an active one.',
)

const toggled = <const Name extends string>(name: Name, where: string) =>
  object(name, {
    ...members,
    certificate_details: t.Object(validity),
    active: t.Boolean({ description: `Whether it is active for ${where}.` }),
  })

const togglesAt = <const Path extends string, const Name extends string>(path: Path, name: Name, where: string) => {
  const Toggled = toggled(name, where)
  const certificate_ids = t.Array(anyId(), { minItems: 1, maxItems: 10 })
  return {
    list: get(path, {
      about: `Lists the certificates of the organization, newest first, and which are active for ${where}.`,
      can: 'api.management.read',
      query: { ...cursor(), order: order('desc') },
      returns: list(Toggled),
    }),
    activate: post(`${path}/activate`, {
      about: `Activates up to ten certificates for ${where}, all or none. From then on model requests need a client certificate, on every server at once.`,
      can: 'api.management.write',
      audit: 'certificates.activated',
      body: { certificate_ids },
      returns: object(`${name}.activation`, { data: t.Array(Toggled) }),
    }),
    deactivate: post(`${path}/deactivate`, {
      about: `Deactivates up to ten certificates for ${where}, all or none.`,
      can: 'api.management.write',
      audit: 'certificates.deactivated',
      body: { certificate_ids },
      returns: object(`${name}.deactivation`, { data: t.Array(Toggled) }),
    }),
  }
}

const path = '/organization/certificates'
const one = `${path}/{certificate_id}` as const

export const certificates = {
  ...togglesAt(path, 'organization.certificate', 'the organization and so for all its projects'),
  create: post(path, {
    about: `Uploads the certificate of an authority; at most ${MOST_CERTIFICATES}. It is not active yet.`,
    can: 'api.management.write',
    audit: 'certificate.created',
    body: {
      certificate: t.String({
        minLength: 1,
        maxLength: MOST_PEM_BYTES,
        description:
          'One X.509 certificate in PEM. It must be that of a CA, with the key usages certificate sign and CRL sign and with both key identifiers, and be valid for another day.',
      }),
      name: optional(name()),
    },
    returns: Certificate,
  }),
  retrieve: get(one, {
    about: 'Retrieves a certificate, with its PEM where `include` has `content`.',
    can: 'api.management.read',
    query: { include: optional(t.Array(oneOf('content'), { maxItems: 10 })) },
    returns: Certificate,
  }),
  update: post(one, {
    about: 'Renames a certificate. Nothing else of it can be changed.',
    can: 'api.management.write',
    audit: 'certificate.updated',
    body: { name: optional(name()) },
    returns: Certificate,
  }),
  delete: del(one, {
    about: 'Deletes a certificate. It must be inactive for the organization and for all projects.',
    can: 'api.management.write',
    audit: 'certificate.deleted',
    returns: object('certificate.deleted', { id: t.String() }),
  }),
}

export const projectCertificates = togglesAt(
  '/organization/projects/{project_id}/certificates',
  'organization.project.certificate',
  'a project',
)
