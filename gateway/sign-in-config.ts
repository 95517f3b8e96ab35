/** The `sign_in:` part of `keyhall.yaml`: how people sign in to the console. */
import { Type as t } from 'typebox'
import { Secret } from '../world/secret.ts'

const text = (description: string) => t.Optional(t.String({ minLength: 1, description }))

export const FileSignIn = t.Object(
  {
    oidc: t.Optional(
      t.Object(
        {
          issuer: t.String({
            format: 'issuer',
            description:
              'The OpenID issuer, as its discovery document names it, such as `https://accounts.google.com`.',
          }),
          client_id: t.String({ minLength: 1, description: 'What the issuer calls this server.' }),
          client_secret: text(
            'The secret of the client. Write `${NAME}` to take it from the environment. Left out, the client is a public one.',
          ),
          name: text('What the button on the sign-in page calls the issuer.'),
          scopes: t.Optional(
            t.Array(t.String({ pattern: '^[\\x21\\x23-\\x5b\\x5d-\\x7e]+$' }), {
              minItems: 1,
              description: 'The scopes that are asked for. Default `[openid, email, profile]`.',
            }),
          ),
          allowed_domains: t.Optional(
            t.Array(t.String({ format: 'mail-domain' }), {
              minItems: 1,
              description: 'Only people whose e-mail address is in one of these domains sign in. Default: any.',
            }),
          ),
          trust_email: t.Optional(
            t.Boolean({
              default: false,
              description:
                'Takes an e-mail address for verified where the issuer does not say (`email_verified` is missing). Only for issuers whose accounts are all your own.',
            }),
          ),
          newcomers: t.Optional(
            t.String({
              format: 'newcomers',
              default: 'refuse',
              description:
                'What becomes of somebody who is neither known nor invited: `refuse`; `reader`: joins and may read the organization; `member`: joins and sees only what groups and projects give.',
            }),
          ),
          groups_claim: t.Optional(
            t.String({
              minLength: 1,
              default: 'groups',
              description: 'The claim with the groups of a person; `realm_access.roles` is a member of a member.',
            }),
          ),
          groups: t.Optional(
            t.Array(
              t.Object(
                {
                  value: t.String({ minLength: 1, description: 'A value of the claim.' }),
                  group: t.String({ minLength: 1, description: 'The name or the id of a group of the organization.' }),
                },
                { additionalProperties: false },
              ),
              {
                description:
                  'Which value stands for which group. With each sign-in a person joins and leaves these groups as the claim says; other groups stay as they are.',
              },
            ),
          ),
        },
        { additionalProperties: false, description: 'Signing in at an OpenID Connect issuer.' },
      ),
    ),
  },
  { additionalProperties: false },
)

export interface SignInInFile {
  oidc?: {
    issuer: string
    client_id: string
    client_secret?: string
    name?: string
    scopes?: string[]
    allowed_domains?: string[]
    trust_email?: boolean
    newcomers?: string
    groups_claim?: string
    groups?: { value: string; group: string }[]
  }
}

export type OidcConfig = NonNullable<ReturnType<typeof oidcConfig>>

/** With all defaults filled in; null where nobody signs in this way. */
export const oidcConfig = ({ oidc }: SignInInFile) =>
  oidc === undefined
    ? null
    : {
        issuer: oidc.issuer,
        client_id: oidc.client_id,
        client_secret: oidc.client_secret === undefined ? null : new Secret(oidc.client_secret),
        name: oidc.name ?? null,
        scopes: withOpenId(oidc.scopes ?? ['openid', 'email', 'profile']),
        allowed_domains: oidc.allowed_domains?.map((domain) => domain.toLowerCase()) ?? null,
        trust_email: oidc.trust_email ?? false,
        newcomers: (oidc.newcomers ?? 'refuse') as (typeof newcomers)[number],
        groups_claim: oidc.groups_claim ?? 'groups',
        groups: oidc.groups ?? [],
      }

/** Without this scope there is no ID token. */
const withOpenId = (scopes: string[]) => (scopes.includes('openid') ? scopes : ['openid', ...scopes])

export const newcomers = ['refuse', 'reader', 'member'] as const

/** What is wrong with a text, as the end of "must …"; null if nothing is. */
export const wrongNewcomers = (text: string): string | null =>
  (newcomers as readonly string[]).includes(text) ? null : `be one of ${newcomers.join(', ')}`

export const wrongMailDomain = (text: string): string | null =>
  /^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?$/i.test(text)
    ? null
    : 'be a domain of e-mail addresses, such as example.com'

export function wrongIssuer(text: string): string | null {
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol)) return 'be the address of an issuer, which begins with https://'
  if (url.username || url.password || url.search || url.hash)
    return 'hold no user, no password, no query and no fragment'
  if (/\/\.well-known\//.test(url.pathname)) return 'be the issuer alone, without "/.well-known/openid-configuration"'
  if (/^\/(common|organizations|consumers)\//.test(url.pathname) && url.hostname === 'login.microsoftonline.com')
    return 'name one tenant of Entra, such as https://login.microsoftonline.com/TENANT_ID/v2.0'
  return null
}
