/** The pages that are one list each: settings, errors, audit events, permissions. */
import { readFileSync } from 'node:fs'
import { flagOf, settings, type SettingName } from '../../server/config.ts'
import { auditEvents } from '../../contract/audit-events.ts'
import * as errors from '../../contract/errors.ts'
import * as gatewayErrors from '../../contract/gateway-errors.ts'
import * as limitErrors from '../../contract/limit-errors.ts'
import * as oidcErrors from '../../contract/oidc-errors.ts'
import * as resourceErrors from '../../contract/resource-errors.ts'
import * as sessionErrors from '../../contract/session-errors.ts'
import { operations } from '../../contract/index.ts'
import {
  builtInRoles,
  gatewayPermissions,
  otherGatewayPermission,
  permissionPattern,
  permissionsOf,
} from '../../contract/permissions.ts'
import { adminScopes } from '../../contract/scopes.ts'
import { GatewayFile } from '../../gateway/upstream-config.ts'
import type { Page } from './page.ts'
import { linkTo } from './resources.ts'
import { members, table, type Schema } from './schema.ts'

export function settingsPage(): Page {
  const rows = Object.entries(settings).map(([name, { env, default: usual, about }]) => [
    `\`${env}\``,
    `\`${flagOf(name as SettingName)}\``,
    usual === null ? 'none' : `\`${usual}\``,
    about,
  ])
  const text = `# Settings

Each can be given to \`keyhall serve\` as a flag or as an environment variable; the flag wins.

${table(['variable', 'flag', 'default', 'meaning'], rows)}
`
  return { file: 'settings.md', title: 'Settings', about: 'each as a flag and as an environment variable.', text }
}

export function gatewayFilePage(): Page {
  const text = `# The gateway's file

YAML, named by \`--config\` or \`KEYHALL_CONFIG\`: where model requests go, and what models cost and may be used for. \`\${NAME}\` in a text stands for a variable of the environment.
\`keyhall config check\` says what is wrong with a file, with line and column; on SIGHUP the server reads it again.
\`keyhall config prices\` prints \`models:\` for the models that the upstreams have, with public prices.

${table(['member', 'type', 'required', 'meaning'], members(GatewayFile as Schema))}

\`\`\`yaml
upstreams:
  - name: near
    base_url: http://127.0.0.1:8000/v1
    models: ["llama-*"]
  - name: far
    base_url: https://models.example.com/v1
    api_key: \${FAR_API_KEY}
    default: true
    timeouts: { first_byte: 60 }
models:
  - match: large
    prices:
      - { input: 2.5, cached_input: 0.25, output: 10, batch: 0.5 }
      - { valid_from: "2027-01-01", input: 2, cached_input: 0.2, output: 8, batch: 0.5 }
    context_tokens: 400000
    max_output_tokens: 128000
    limits: { requests_per_minute: 500, tokens_per_minute: 200000 }
  - match: llama-*
    limits: { requests_per_day: 10000 }
\`\`\`
`
  return {
    file: 'gateway-file.md',
    title: 'The gateway’s file',
    about: 'the upstreams behind the gateway; prices, sizes and limits of models.',
    text,
  }
}

export function errorsPage(): Page {
  const sections = errorWords()
    .toSorted((one, other) => one.error.status - other.error.status)
    .map(({ error: { status, type, code, param, message }, about }) => {
      const rest = `\`type\` is \`${type}\`${param === null ? '' : `, \`param\` is \`${param}\``}.`
      return `## ${status}${code === null ? '' : ` \`${code}\``}\n\n> ${message.replace(/[<>]/g, '\\$&')}\n\n${about} ${rest}\n`
    })
  const codes = Object.entries(errors.invalidCodes).map(([code, about]) => [`\`${code}\``, about])
  const text = `# Errors

Every error is a JSON object \`{"error": {"message", "type", "param", "code"}}\`; \`code\` and \`param\` can be \`null\`. What stands in angle
brackets depends on the case. Each answer carries \`x-request-id\`, and the log names the request by it.

${sections.join('\n')}
## Codes of a 400

When a request is malformed, \`param\` names the member and \`code\` says what is wrong with it:

${table(['code', 'when'], codes)}
`
  return { file: 'errors.md', title: 'Errors', about: 'every error that is answered, with its status and code.', text }
}

const words = { ...errors, ...limitErrors, ...gatewayErrors, ...resourceErrors, ...sessionErrors, ...oidcErrors }

/**
 * The words for errors, each called with the names of its parameters, and the comment that stands
 * above it.
 */
function errorWords() {
  const files = [
    'errors.ts',
    'gateway-errors.ts',
    'limit-errors.ts',
    'resource-errors.ts',
    'session-errors.ts',
    'oidc-errors.ts',
  ].map((name) => new URL(`../../contract/${name}`, import.meta.url))
  const source = files.map((file) => readFileSync(file, 'utf8')).join('\n')
  const declared = source.matchAll(/(?:\/\*\*(?:\n \*)? ((?:(?!\*\/).)*?)\s*\*\/\n)?export const (\w+) = \(([^)]*)\)/gs)
  return [...declared].map(([, about = '', name, parameters]) => {
    const needed = parameters!.split(',').filter((one) => one.trim() && !one.includes('='))
    const word = words[name as keyof typeof words] as (...args: string[]) => errors.ApiError
    return { error: word(...needed.map((one) => `<${one.split(':')[0]!.trim()}>`)), about: oneLine(about) }
  })
}

const oneLine = (text: string) => text.replace(/\s*\n\s*\*?\s*/g, ' ').trim()

export function auditEventsPage(): Page {
  const rows = Object.entries(auditEvents).map(([event, payload]) => [
    `\`${event}\``,
    members(payload as Schema)
      .map(([name]) => name)
      .join(', '),
    operations
      .filter(({ operation }) => (operation.audit as readonly string[]).includes(event))
      .map(({ name }) => linkTo(name))
      .join(', '),
  ])
  const text = `# Audit events

Every change leaves its events in the audit log, in the same transaction: no row, no change. The payload stands under a member named like the event.
\`keyhall audit verify\` checks on the host that no row was changed or removed.

${table(['event', 'payload', 'left by'], rows)}
`
  return { file: 'audit-events.md', title: 'Audit events', about: 'what the audit log can hold.', text }
}

export function permissionsPage(): Page {
  const sections = adminScopes.map((scope) => {
    const opened = operations.filter(({ operation }) => operation.can === scope)
    return `## ${scope}\n\n${opened.map(({ name, operation }) => `- ${linkTo(name)}: ${operation.about}`).join('\n') || 'No operation yet.'}\n`
  })
  const areas = Object.entries(gatewayPermissions).map(([name, { read, write }]) => [
    `\`${name}\``,
    `\`${read}\``,
    `\`${write}\``,
  ])
  const roles = (['organization', 'project'] as const).flatMap((level) =>
    builtInRoles[level].map((role) => ({ level, role, granted: new Set(permissionsOf(level, role)) })),
  )
  const grants = [...new Set(roles.flatMap(({ granted }) => [...granted]))].map((permission) => [
    `\`${permission}\``,
    ...roles.map(({ granted }) => (granted.has(permission) ? 'yes' : '')),
  ])
  const text = `# Permissions

An admin key holds one or more of these scopes; an operation without its scope answers 403 and names it.
Scopes of project keys are strings like \`${permissionPattern}\`.

${sections.join('\n')}
## What a project key must be allowed

For each area of the gateway, which is the first segment below \`/v1\`. Any other path needs \`${otherGatewayPermission}\`.

${table(['area', 'GET', 'POST, DELETE'], areas)}

## What the built-in roles grant

Custom roles grant what they name.

${table(['permission', ...roles.map(({ level, role }) => `${level} ${role}`)], grants)}
`
  return {
    file: 'permissions.md',
    title: 'Permissions',
    about: 'what each scope opens, what the gateway asks for, and what the built-in roles grant.',
    text,
  }
}
