/** Client certificates that chain to an authority, and such as only look like it. */
import {
  CLIENT,
  makeAuthority,
  makeCertificate,
  sequence,
  SERVER,
  type MadeCertificate,
  type Wish,
} from '../certificates.ts'

export interface Chain {
  name: string
  shown: MadeCertificate
  /** What the client sends with it. */
  behind: MadeCertificate[]
  /** What the refusal says; null where it is accepted. */
  says: string | null
  /** With such a certificate no client can speak TLS. */
  isForHeaders?: true
}

const DAY = 86_400
const now = () => Math.floor(Date.now() / 1000)
const NO_CHAIN = 'does not chain to an active certificate'

export function chainsOf(authority: MadeCertificate): Chain[] {
  const client = (wish: Partial<Wish> = {}) => makeCertificate({ name: 'client', by: authority, ...wish })
  const below = (wish: Partial<Wish>) => makeAuthority({ name: 'Intermediate', by: authority, ...wish })
  const through = (wish: Partial<Wish>, by = below(wish)) => ({ shown: client({ by }), behind: [by] })
  const other = makeAuthority({ name: 'Other CA' })
  const namesake = makeAuthority({ name: authority.name })
  const short = below({ name: 'Short', pathLength: 0 })
  const lower = makeAuthority({ name: 'Lower', by: short })
  const long = below({ name: 'Long' })
  const next = makeAuthority({ name: 'Next', by: long })
  const one = (name: string, wish: Partial<Wish>, says: string | null): Chain => ({
    name,
    shown: client(wish),
    behind: [],
    says,
  })
  return [
    one('by the authority', {}, null),
    one('for every use', { extendedKeyUsage: null, keyUsage: null }, null),
    one('by the authority, without its key id', { withAuthorityKeyId: false }, null),
    { name: 'through an intermediate', ...through({}), says: null },
    { name: 'through two', shown: client({ by: next }), behind: [long, next], says: null },
    { name: 'with a stranger behind it', shown: client(), behind: [other], says: null },
    { name: 'self-signed', shown: makeCertificate({ name: 'client' }), behind: [], says: NO_CHAIN },
    one('by another authority', { by: other }, NO_CHAIN),
    { name: 'by another authority that is sent along', shown: client({ by: other }), behind: [other], says: NO_CHAIN },
    one("by another key with the authority's name", { by: namesake }, NO_CHAIN),
    one(
      "by another key with the authority's name and key id",
      { by: { ...namesake, publicKey: authority.publicKey } },
      NO_CHAIN,
    ),
    one('that has expired', { from: now() - 2 * DAY, until: now() - DAY }, 'has expired'),
    one('that is not valid yet', { from: now() + DAY, until: now() + 2 * DAY }, 'is not valid yet'),
    one('for servers', { extendedKeyUsage: [SERVER] }, 'does not permit client authentication'),
    { ...one('for encrypting', { keyUsage: [2] }, 'does not permit digital signatures'), isForHeaders: true },
    one(
      'that is an authority itself',
      { isAuthority: true, extendedKeyUsage: [CLIENT], keyUsage: [0, 5] },
      'of an authority',
    ),
    one(
      'with a critical extension that nobody knows',
      { extensions: [{ id: '1.2.3.4', critical: true, value: sequence() }] },
      'not understood: 1.2.3.4',
    ),
    { name: 'without its intermediate', ...through({}), behind: [], says: NO_CHAIN },
    { name: 'through one that is no CA', ...through({ isAuthority: false, keyUsage: [0, 5] }), says: NO_CHAIN },
    { name: 'through one that may not sign', ...through({ keyUsage: [6] }), says: NO_CHAIN },
    { name: 'through one for servers', ...through({ extendedKeyUsage: [SERVER] }), says: NO_CHAIN },
    {
      name: 'through one that has expired',
      ...through({ from: now() - 2 * DAY, until: now() - DAY }),
      says: 'has expired',
    },
    {
      name: 'through one with name constraints',
      ...through({ extensions: [{ id: '2.5.29.30', critical: false, value: sequence() }] }),
      says: NO_CHAIN,
    },
    {
      name: 'below a path that may not be so long',
      shown: client({ by: lower }),
      behind: [lower, short],
      says: NO_CHAIN,
    },
    {
      name: 'behind more certificates than are read',
      shown: client({ by: next }),
      behind: [long, next, other, namesake],
      says: 'more than 3 certificates',
    },
  ]
}
