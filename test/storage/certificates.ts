/** Authorities of our own, and a certificate that one of them gives a server; made by openssl. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

/** `names` are those that the certificate is for, such as `DNS:localhost`. */
export function makeCertificates(names: string) {
  const folder = mkdtempSync(join(tmpdir(), 'keyhall-certificates-'))
  const path = (name: string) => join(folder, name)
  const openssl = (...args: string[]) => {
    const { status, stderr } = spawnSync('openssl', args, { encoding: 'utf8' })
    if (status !== 0) throw new Error(`openssl ${args[0]} failed: ${stderr}`)
  }
  for (const name of ['authority', 'stranger'])
    openssl(
      'req',
      '-x509',
      ...EC,
      '-keyout',
      path(`${name}.key`),
      '-out',
      path(`${name}.crt`),
      '-days',
      '30',
      '-subj',
      `/CN=${name}`,
    )
  openssl('req', ...EC, '-keyout', path('server.key'), '-out', path('server.csr'), '-subj', '/CN=server')
  writeFileSync(path('names'), `subjectAltName=${names}\n`)
  openssl(
    'x509',
    '-req',
    '-in',
    path('server.csr'),
    '-out',
    path('server.crt'),
    '-days',
    '30',
    '-CAcreateserial',
    '-CA',
    path('authority.crt'),
    '-CAkey',
    path('authority.key'),
    '-extfile',
    path('names'),
  )
  return {
    /** The file of the authority that vouches for the server, and of one that does not. */
    authority: path('authority.crt'),
    stranger: path('stranger.crt'),
    tls: { key: readFileSync(path('server.key'), 'utf8'), certificate: readFileSync(path('server.crt'), 'utf8') },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
