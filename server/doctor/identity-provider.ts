/**
 * Whether the identity provider at which people sign in answers, and knows this server. Nobody is
 * signed in. The server itself asks for the discovery document, so that must arrive. The sign-in
 * page is for browsers only, which may reach what this machine does not.
 */
import { IssuerClient } from '../../admin/oidc/issuer-client.ts'
import type { MayFetchFrom } from '../../admin/shared/fetch-document.ts'
import { ApiError } from '../../contract/errors.ts'
import { realWorld } from '../../world/world.ts'
import { readSignIn, signInSettings } from '../sign-in-settings.ts'
import { check, ok, problem, warning, type Finding } from './finding.ts'
import type { OidcSettings } from '../../admin/oidc/oidc-settings.ts'
import type { SettingName } from '../config.ts'

const PAGE_MILLISECONDS = 2_000

export const identityProvider = check({
  name: 'sign-in',
  settings: [
    ...(Object.keys(signInSettings) as Extract<SettingName, keyof typeof signInSettings>[]),
    'config',
    'public_url',
    'issuer_hosts',
  ],
  late: 'The identity provider does not answer; look at the address of the issuer, and whether a firewall is in between.',
  async look(config, { upstreams, signal }) {
    const settings = readSignIn(config, upstreams)
    if (!settings) return [ok('No identity provider is set; people sign in with a link by e-mail, or an admin key.')]
    if (config.public_url === null)
      return [
        warning(
          'KEYHALL_PUBLIC_URL is not set, so people can sign in at the identity provider only from this machine; set it to the address that browsers use.',
        ),
      ]
    return [await examine(settings, config.public_url, new Set(config.issuer_hosts), signal)]
  },
})

async function examine(
  settings: OidcSettings,
  public_url: string,
  hosts: MayFetchFrom,
  signal: AbortSignal,
): Promise<Finding> {
  const { issuer, client_id } = settings
  const callback = `${public_url}/console/oidc/callback`
  try {
    const { url } = await new IssuerClient(settings, realWorld, hosts).begin(callback)
    const refused = await refusal(url, signal)
    if (refused === null) return ok(`The identity provider ${issuer} answers.`)
    return problem(
      `The identity provider ${issuer} answers ${refused} instead of its sign-in page; look whether it knows the client "${client_id}" and has ${callback} as its redirect address.`,
    )
  } catch (error) {
    const cause = error instanceof ApiError && error.cause instanceof Error ? error.cause : (error as Error)
    return problem(
      `The identity provider ${issuer} cannot be used: ${sentence(cause.message)}; look at the address of the issuer.`,
    )
  }
}

/**
 * What the sign-in page answers in its place; null where it answers, or cannot be asked from here.
 */
async function refusal(url: string, signal: AbortSignal): Promise<string | null> {
  try {
    const page = await realWorld.fetch(url, {
      headers: { accept: 'text/html' },
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(PAGE_MILLISECONDS)]),
    })
    await page.body?.cancel()
    if (page.headers.get('location')?.includes('error=')) return 'an error'
    return page.status < 400 ? null : String(page.status)
  } catch {
    return null
  }
}

const sentence = (text: string) => text.replace(/\.$/, '')
