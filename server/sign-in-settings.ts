/** The settings of signing in at an OpenID issuer, where they do not stand in the file. */
import { newcomers, oidcConfig, wrongIssuer, wrongMailDomain, type OidcConfig } from '../gateway/sign-in-config.ts'
import type { GatewayConfig } from '../gateway/upstream-config.ts'
import { wrongUsage } from '../world/failed.ts'
import { Secret } from '../world/secret.ts'
import type { Config, SettingName } from './config.ts'
import { fileOf } from './secret-files.ts'
import { must, oneOf, setting, yesOrNo } from './setting.ts'

const list = (text: string) => text.split(',').map((one) => one.trim())
const requireRight = (text: string, wrong: string | null) => (wrong === null ? text : must(wrong))

export const signInSettings = {
  oidc_issuer: setting({
    env: 'KEYHALL_OIDC_ISSUER',
    value: 'URL',
    default: null,
    about:
      'The OpenID Connect issuer at which people sign in to the console, such as `https://accounts.google.com`. The address to register there is the one of this server (`KEYHALL_PUBLIC_URL`) with `/console/oidc/callback`. Instead of this and the next settings, `sign_in:` in `KEYHALL_CONFIG`.',
    parse: (text) => requireRight(text, wrongIssuer(text)),
  }),
  oidc_client_id: setting({
    env: 'KEYHALL_OIDC_CLIENT_ID',
    value: 'ID',
    default: null,
    about: 'What the issuer calls this server.',
    parse: (text) => text,
  }),
  oidc_client_secret: setting({
    env: 'KEYHALL_OIDC_CLIENT_SECRET',
    value: 'SECRET',
    default: null,
    about: 'The secret of that client. Without one it is a public client.',
    parse: (text) => new Secret(text),
  }),
  oidc_client_secret_file: fileOf('KEYHALL_OIDC_CLIENT_SECRET', 'that secret'),
  oidc_name: setting({
    env: 'KEYHALL_OIDC_NAME',
    value: 'NAME',
    default: null,
    about: 'What the button on the sign-in page calls the issuer.',
    parse: (text) => text,
  }),
  oidc_scopes: setting({
    env: 'KEYHALL_OIDC_SCOPES',
    value: 'SCOPES',
    default: 'openid,email,profile',
    about: 'The scopes that are asked for, with commas between.',
    parse: (text) =>
      list(text).every((one) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(one))
        ? list(text)
        : must('be scopes with commas between, such as "openid,email,profile,groups"'),
  }),
  oidc_allowed_domains: setting({
    env: 'KEYHALL_OIDC_ALLOWED_DOMAINS',
    value: 'DOMAINS',
    default: null,
    about: 'Only people whose e-mail address is in one of these domains sign in there; with commas between.',
    parse: (text) =>
      list(text).every((one) => wrongMailDomain(one) === null)
        ? list(text)
        : must('be domains of e-mail addresses with commas between, such as "example.com,example.org"'),
  }),
  oidc_trust_email: setting({
    env: 'KEYHALL_OIDC_TRUST_EMAIL',
    default: 'false',
    about:
      'Takes an e-mail address for verified where the issuer does not say (`email_verified` is missing). Only for issuers whose accounts are all your own.',
    flagOnly: true,
    parse: yesOrNo,
  }),
  oidc_newcomers: setting({
    env: 'KEYHALL_OIDC_NEWCOMERS',
    value: 'WHAT',
    default: 'refuse',
    about:
      'What becomes of somebody who is neither known nor invited: `refuse`; `reader`: joins and may read the organization; `member`: joins and sees only what groups and projects give.',
    parse: oneOf(newcomers),
  }),
  oidc_groups_claim: setting({
    env: 'KEYHALL_OIDC_GROUPS_CLAIM',
    value: 'CLAIM',
    default: 'groups',
    about: 'The claim with the groups of a person; `realm_access.roles` is a member of a member.',
    parse: (text) => text,
  }),
  oidc_groups: setting({
    env: 'KEYHALL_OIDC_GROUPS',
    value: 'MAPPING',
    default: null,
    about:
      'Which value of that claim stands for which group of the organization, by name or id: `VALUE=GROUP`, with commas between. With each sign-in a person joins and leaves these groups as the claim says; other groups stay as they are.',
    parse: (text) =>
      list(text).map((pair) => {
        const at = pair.indexOf('=')
        const [value, group] = [pair.slice(0, at).trim(), pair.slice(at + 1).trim()]
        return at > 0 && value && group
          ? { value, group }
          : must('be pairs with commas between, such as "ml-team=ML team,platform=Platform"')
      }),
  }),
}

type SignInSettings = Pick<Config, Extract<SettingName, keyof typeof signInSettings>>

/** From the environment or the file; null where nobody signs in this way. Throws Failed. */
export function readSignIn(config: SignInSettings, file: GatewayConfig | null): OidcConfig | null {
  const { oidc_issuer: issuer, oidc_client_id: client_id, oidc_client_secret: secret } = config
  const inFile = file?.sign_in ?? null
  if (issuer === null) {
    const other = (['oidc_client_id', 'oidc_client_secret', 'oidc_allowed_domains', 'oidc_groups'] as const).find(
      (name) => config[name] !== null,
    )
    if (other) throw wrongUsage(`${signInSettings[other].env} needs KEYHALL_OIDC_ISSUER.`)
    return inFile
  }
  if (inFile)
    throw wrongUsage('KEYHALL_OIDC_ISSUER and sign_in in KEYHALL_CONFIG say the same thing twice; give one of them.')
  if (client_id === null)
    throw wrongUsage('KEYHALL_OIDC_ISSUER needs KEYHALL_OIDC_CLIENT_ID: what the issuer calls this server.')
  return oidcConfig({
    oidc: {
      issuer,
      client_id,
      client_secret: secret?.reveal(),
      name: config.oidc_name ?? undefined,
      scopes: config.oidc_scopes,
      allowed_domains: config.oidc_allowed_domains ?? undefined,
      trust_email: config.oidc_trust_email,
      newcomers: config.oidc_newcomers,
      groups_claim: config.oidc_groups_claim,
      groups: config.oidc_groups ?? undefined,
    },
  })
}
