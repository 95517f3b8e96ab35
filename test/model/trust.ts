/**
 * Workload identity in memory: which providers are trusted, which of their tokens stand for which
 * service account, and the access tokens that live.
 */

interface Rule {
  provider: number
  account: number
  enabled: boolean
}

/** Told by number, as everything else is. */
export class Trust {
  /** Whether each provider that lives is enabled. */
  readonly providers = new Map<number, boolean>()
  readonly rules = new Map<number, Rule>()
  /** The rule and the service account of each access token that lives. */
  readonly tokens = new Map<number, { rule: number; account: number }>()
  made = { providers: 0, rules: 0, tokens: 0 }

  addProvider() {
    this.providers.set(this.made.providers++, true)
  }

  addRule(provider: number, account: number) {
    this.rules.set(this.made.rules++, { provider, account, enabled: true })
  }

  /** By the oldest rule that is enabled; null where none lets the account's token in. */
  exchange(provider: number, account: number): number | null {
    if (!this.providers.get(provider)) return null
    const matching = [...this.rules].filter(
      ([, rule]) => rule.provider === provider && rule.account === account && rule.enabled,
    )
    const [oldest] = matching.map(([number]) => number).toSorted((a, b) => a - b)
    if (oldest === undefined) return null
    this.tokens.set(this.made.tokens, { rule: oldest, account })
    return this.made.tokens++
  }

  rulesOf(provider: number): number[] {
    return [...this.rules].filter(([, rule]) => rule.provider === provider).map(([number]) => number)
  }

  /** What rests on a provider ends with each change of it. */
  endTokensOf(provider: number) {
    for (const rule of this.rulesOf(provider)) this.endTokensByRule(rule)
  }

  endTokensByRule(rule: number) {
    for (const [token, one] of this.tokens) if (one.rule === rule) this.tokens.delete(token)
  }

  forgetAccount(account: number) {
    for (const [token, one] of this.tokens) if (one.account === account) this.tokens.delete(token)
  }
}
