/** Changes of workload identity providers and their rules, and tokens that are exchanged. */
import * as fc from 'fast-check'
import { account, command, missing, ok, project, refused, type Real } from './command.ts'

const provider = fc.nat(1)
const rule = fc.nat(2)
const enabled = fc.boolean()

const PROVIDERS = '/organization/workload_identity_providers'
const providerPath = (real: Real, provider: number) => `${PROVIDERS}/${real.providers[provider] ?? 'none'}`
const rulePath = (real: Real, provider: number, rule: number) =>
  `${providerPath(real, provider)}/federation_rules/${real.rules[rule] ?? 'none'}`

export const workloadCommands = [
  command('create provider', {}, () => ({
    model(o) {
      o.trust.addProvider()
      return ok({ 'workload_identity_provider.created': 1 })
    },
    real: (r) => r.ask('POST', PROVIDERS, r.provider),
    made: [{ list: 'providers', id: (json) => json.id }],
  })),
  command('switch provider', { provider, enabled }, ({ provider, enabled }) => ({
    model({ trust }) {
      if (!trust.providers.has(provider)) return missing
      if (trust.providers.get(provider) === enabled) return ok()
      trust.providers.set(provider, enabled)
      trust.endTokensOf(provider)
      return ok({ 'workload_identity_provider.updated': 1 })
    },
    real: (r) => r.ask('POST', providerPath(r, provider), { enabled }),
  })),
  command('delete provider', { provider }, ({ provider }) => ({
    model({ trust }) {
      if (!trust.providers.has(provider)) return missing
      if (trust.rulesOf(provider).length > 0) return refused
      trust.providers.delete(provider)
      return ok({ 'workload_identity_provider.deleted': 1 })
    },
    real: (r) => r.ask('DELETE', providerPath(r, provider)),
  })),
  command('create rule', { provider, project, account }, ({ provider, project, account }) => ({
    model(o) {
      if (!o.trust.providers.has(provider)) return missing
      if (o.archived.has(project)) return refused
      if (o.accounts.get(account) !== project) return missing
      o.trust.addRule(provider, account)
      return ok({ 'workload_identity_provider_mapping.created': 1 })
    },
    real: (r) =>
      r.ask('POST', `${providerPath(r, provider)}/federation_rules`, {
        attribute_matchers: { sub: 'job' },
        project_id: r.projects[project],
        service_account_id: r.accounts[account] ?? 'none',
      }),
    made: [{ list: 'rules', id: (json) => json.id }],
  })),
  command('switch rule', { provider, rule, enabled }, ({ provider, rule, enabled }) => ({
    model({ trust }) {
      const one = trust.rules.get(rule)
      if (one?.provider !== provider) return missing
      if (one.enabled === enabled) return ok()
      one.enabled = enabled
      trust.endTokensByRule(rule)
      return ok({ 'workload_identity_provider_mapping.updated': 1 })
    },
    real: (r) => r.ask('POST', rulePath(r, provider, rule), { enabled }),
  })),
  command('delete rule', { provider, rule }, ({ provider, rule }) => ({
    model({ trust }) {
      if (trust.rules.get(rule)?.provider !== provider) return missing
      trust.endTokensByRule(rule)
      trust.rules.delete(rule)
      return ok({ 'workload_identity_provider_mapping.deleted': 1 })
    },
    real: (r) => r.ask('DELETE', rulePath(r, provider, rule)),
  })),
  command('exchange', { provider, account }, ({ provider, account }) => ({
    model(o) {
      const project = o.accounts.get(account)
      if (project === undefined || o.archived.has(project)) return refused
      return o.trust.exchange(provider, account) === null
        ? refused
        : ok({ 'tenant.workload_identity.access_token.issued': 1 })
    },
    real: (r) => r.exchange(r.providers[provider] ?? 'none', r.accounts[account] ?? 'none'),
    made: [{ list: 'tokens', id: (json) => json.access_token }],
  })),
]
