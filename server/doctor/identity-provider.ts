/**
 * Whether the identity provider at which people sign in answers, and knows this server. Nobody is
 * signed in.
 */
import { IssuerClient } from '../../admin/oidc/issuer-client.ts'
import { fetchBounded, type MayFetchFrom } from '../../admin/shared/fetch-document.ts'
import { ApiError } from '../../contract/errors.ts'
import { realWorld } from '../../world/world.ts'
import { readSignIn, signInSettings } from '../sign-in-settings.ts'
import { check, ok, problem, warning, type Finding } from './finding.ts'
import type { OidcSettings } from '../../admin/oidc/oidc-settings.ts'
import type { SettingName } from '../config.ts'

export const identityProvider = check({
  name: 'sign-in',
  settings: [
    ...(Object.keys(signInSettings) as Extract<SettingName, keyof typeof signInSettings>[]),
    'config',
    'public_url',
    'issuer_hosts',
  ],
  late: 'The identity provider does not answer; look at the address of the issuer, and whether a firewall is in between.',
  async look(config, { upstreams }) {
    const settings = readSignIn(config, upstreams)
    if (!settings) return [ok('No identity provider is set; people sign in with a link by e-mail, or an admin key.')]
    if (config.public_url === null)
      return [
        warning(
          'KEYHALL_PUBLIC_URL is not set, so people can sign in at the identity provider only from this machine; set it to the address that browsers use.',
        ),
      ]
    return [await examine(settings, config.public_url, new Set(config.issuer_hosts))]
  },
})

async function examine(settings: OidcSettings, public_url: string, hosts: MayFetchFrom): Promise<Finding> {
  const { issuer, client_id } = settings
  const callback = `${public_url}/console/oidc/callback`
  try {
    const { url } = await new IssuerClient(settings, realWorld, hosts).begin(callback)
    const page = await fetchBounded(realWorld, url, hosts, { headers: { accept: 'text/html' } })
    const refused = page.headers.get('location')?.includes('error=') ?? false
    if (page.status < 400 && !refused) return ok(`The identity provider ${issuer} answers.`)
    return problem(
      `The identity provider ${issuer} answers ${refused ? 'an error' : page.status} instead of its sign-in page; look whether it knows the client "${client_id}" and has ${callback} as its redirect address.`,
    )
  } catch (error) {
    const cause = error instanceof ApiError && error.cause instanceof Error ? error.cause : (error as Error)
    return problem(
      `The identity provider ${issuer} cannot be used: ${sentence(cause.message)}; look at the address of the issuer.`,
    )
  }
}

const sentence = (text: string) => text.replace(/\.$/, '')
