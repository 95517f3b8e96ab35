/** What a start prints: the address, on the first start the key, and something to try. */
import type { Config } from './config.ts'
import type { FirstOrganization } from './first-organization.ts'
import type { Listeners } from './listeners.ts'
import type { Log } from './log.ts'
import type { Terminal } from '../world/terminal.ts'

interface Greeting {
  url: string
  /** Null on any start but the first; its key is null when the operator chose one. */
  first: Pick<FirstOrganization, 'admin_key' | 'key_file'> | null
  config: Config
  log: Log
  terminal: Terminal
}

/**
 * Where to reach a server that listens on `host`; one that listens everywhere is reached on the
 * loopback address.
 */
export function urlOf(host: string, port: number, scheme: 'http' | 'https' = 'http') {
  const near = { '0.0.0.0': '127.0.0.1', '::': '[::1]' }[host] ?? (host.includes(':') ? `[${host}]` : host)
  return `${scheme}://${near}:${port}`
}

const DEMO = 'The demo organization was made: 5 projects, 40 people, 12 service accounts, 400 keys.'

export function greet({ url, first, config, log, terminal }: Greeting) {
  const { out, program } = terminal
  const storage = config.database.startsWith('sqlite:') ? config.database : 'PostgreSQL'
  log.flush()
  if (config.demo && !terminal.isTerminal) log.say('info', DEMO)
  if (first?.key_file)
    log.say(
      'warn',
      `The first admin key is in ${first.key_file}, which no other user can read; take it from there, and delete the file.`,
      { file: first.key_file },
    )
  if (terminal.isTerminal) out(`\nKeyhall serves ${url}/v1 (${storage})\n`)
  if (terminal.isTerminal && config.console) out(`Its console is at ${url}/console/\n`)
  if (config.demo && terminal.isTerminal) out(`${DEMO}\n`)
  if (first && terminal.isTerminal) out(firstSteps(url, first.admin_key, program))
  else if (terminal.isTerminal)
    out(`Admin keys are shown only when they are made; "${program} admin-keys create" on this host makes another.\n\n`)
  log.say('info', `Listening on ${url}`, {
    storage,
    ...(config.console && { console: `${url}/console/` }),
    ...(!terminal.isTerminal && { admin_keys: `"${program} admin-keys create" on this host makes one` }),
  })
  log.flush()
}

export function sayOtherListeners({ all }: Listeners, log: Log) {
  const names = { admin: 'Administration', gateway: 'Model requests and /verify', metrics: 'Metrics' }
  for (const { parts, url, isMain } of all)
    if (!isMain)
      log.say(
        'info',
        `${names[parts[0]!]} on ${url}${{ admin: '/v1', gateway: '/v1', metrics: '/metrics' }[parts[0]!]}`,
      )
}

/**
 * The key is in the environment and not in the commands to try, because everybody on the machine
 * can see the arguments of a process.
 */
const firstSteps = (url: string, key: string | null, program: string) => `
${key ? 'The first admin key, shown this once, as a line for another terminal in this folder:' : 'The first admin key is the one you chose. In another terminal in this folder:'}

  export OPENAI_BASE_URL=${url}/v1 OPENAI_ADMIN_KEY=${key ?? '"$KEYHALL_ADMIN_KEY"'}

Then try any of these:

  curl "$OPENAI_BASE_URL/organization/projects" -H "Authorization: Bearer $OPENAI_ADMIN_KEY"
  node --input-type=module -e "import OpenAI from 'openai'; for await (const project of new OpenAI().admin.organization.projects.list()) console.log(project)"
  ${program} projects list

`
