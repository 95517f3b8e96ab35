/** How people sign in at an OpenID issuer, as the operator set it. */
import type { Secret } from '../../world/secret.ts'

export interface OidcSettings {
  issuer: string
  client_id: string
  /** Null for a public client, which has PKCE alone. */
  client_secret: Secret<string> | null
  /** What the button calls it. */
  name: string | null
  scopes: readonly string[]
  /** In lower case; null for any. */
  allowed_domains: readonly string[] | null
  /** Whether an e-mail address counts as verified where the issuer does not say. */
  trust_email: boolean
  /** What becomes of somebody who is neither known nor invited. */
  newcomers: 'refuse' | 'reader' | 'member'
  groups_claim: string
  /** Which value of the claim stands for which group, named by its id or its name. */
  groups: readonly { value: string; group: string }[]
}
