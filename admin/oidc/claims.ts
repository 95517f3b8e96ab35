/** What an issuer says of a person, read from the ID token and the userinfo endpoint. */
import { Compile } from 'typebox/compile'
import { email as emailSchema } from '../../contract/kit.ts'
import { answerNotAccepted, groupsLeftOut } from '../../contract/oidc-errors.ts'
import type { OidcSettings } from './oidc-settings.ts'

export interface Claims {
  issuer: string
  subject: string
  email: string | null
  email_verified: boolean
  name: string
  groups: string[]
}

type Said = Record<string, unknown>

const LONGEST = 255
const MOST_GROUPS = 1000

/** What the ID token lacks and the userinfo endpoint may know. */
export const lacksSomething = (token: Said, { groups_claim, groups }: OidcSettings): boolean =>
  token.email === undefined || (groups.length > 0 && valueAt(token, groups_claim) === undefined)

/** Throws 403 where the subject is unusable or groups were left out. */
export function readClaims(issuer: string, token: Said, userinfo: Said, settings: OidcSettings): Claims {
  const { sub } = token
  if (typeof sub !== 'string' || sub.length === 0 || sub.length > LONGEST || !isPlain(sub))
    throw answerNotAccepted('"sub" is no text of at most 255 characters')
  // Whether an address is verified is said where the address is said.
  const source = token.email === undefined ? userinfo : token
  const email = typeof source.email === 'string' && address.Check(source.email) ? source.email : null
  const said = source.email_verified
  const all = { ...userinfo, ...token }
  return {
    issuer,
    subject: sub,
    email,
    email_verified: said === undefined ? settings.trust_email : said === true || said === 'true',
    name: nameIn(all, email),
    groups: settings.groups.length === 0 ? [] : groupsIn(all, settings.groups_claim),
  }
}

function nameIn({ name, preferred_username }: Said, email: string | null): string {
  const found = [name, preferred_username, email?.split('@')[0]].find(
    (one): one is string => typeof one === 'string' && one.trim() !== '' && isPlain(one),
  )
  return (found?.trim() ?? 'Somebody').slice(0, LONGEST).toWellFormed()
}

/** No claim means no group; but Entra leaves the claim out where there are too many. */
function groupsIn(said: Said, claim: string): string[] {
  const elsewhere = said._claim_names as Said | undefined
  if (elsewhere?.[claim] !== undefined || said.hasgroups !== undefined) throw groupsLeftOut(claim)
  const values = [valueAt(said, claim) ?? []].flat()
  if (values.length > MOST_GROUPS) throw groupsLeftOut(claim)
  return values.filter((value): value is string => typeof value === 'string' && isPlain(value))
}

/** `realm_access.roles` is a member of a member, unless a claim has that very name. */
function valueAt(said: Said, claim: string): unknown {
  if (Object.hasOwn(said, claim)) return said[claim]
  return claim.split('.').reduce<unknown>((inside, name) => {
    const isObject = typeof inside === 'object' && inside !== null && Object.hasOwn(inside, name)
    return isObject ? (inside as Said)[name] : undefined
  }, said)
}

const isPlain = (text: string) => text.isWellFormed() && !text.includes('\0')
/** The same as of an invite, which finds the same people. */
const address = Compile(emailSchema())
