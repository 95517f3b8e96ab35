/**
 * Removes the secrets of the settings from a text. No check prints one; but what other servers
 * answer is printed, and they may repeat what they were sent.
 */
import { Secret } from '../../world/secret.ts'
import { printPeppers } from '../pepper-file.ts'
import type { AllSettings } from './read-all-settings.ts'

/** A shorter one is part of ordinary words. */
const SHORTEST = 4

export function withoutSecrets({ config, upstreams }: Pick<AllSettings, 'config' | 'upstreams'>) {
  const { admin_key, upstream_api_key, oidc_client_secret, smtp_url, database, pepper } = config
  const plain = [
    admin_key,
    upstream_api_key,
    oidc_client_secret,
    ...(upstreams?.upstreams.map(({ api_key }) => api_key) ?? []),
  ].flatMap((secret) => (secret instanceof Secret ? [secret.reveal()] : []))
  const inAddresses = [smtp_url?.reveal(), database].flatMap((address) => passwordsIn(address ?? ''))
  const peppers = pepper ? printPeppers(pepper, ',').split(',') : []
  const all = [...plain, ...inAddresses, ...peppers]
    .filter((secret) => secret.length >= SHORTEST)
    .toSorted((one, other) => other.length - one.length)
  return (text: string) => all.reduce((rest, secret) => rest.replaceAll(secret, '***'), text)
}

/** As it stands in the address, as it is sent, and as SMTP encodes it. */
function passwordsIn(address: string): string[] {
  const url = URL.parse(address)
  const written = url ? [url.password, url.searchParams.get('password') ?? ''] : []
  return written
    .filter((text) => text !== '')
    .flatMap((text) => [text, decoded(text)])
    .flatMap((text) => [text, Buffer.from(text).toString('base64')])
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
