/** The map in docs/architecture.md: every source file with the sentence that it begins with. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

const [BEGIN, END] = ['<!-- begin: the map, from the first sentence of each file -->', '<!-- end of the map -->']

/** What each room holds. */
const rooms: Record<string, string> = {
  contract: 'What the API is, as data. It imports nothing of ours and runs in a browser.',
  admin: 'How the Administration API behaves: the steps of a call, the audit chain, what an operator does on the host.',
  'admin/resources': 'One file for each resource, named as in `contract/`.',
  'admin/rules': 'Rules that several resources keep.',
  'admin/shared': 'Queries and presenters that several resources use.',
  'admin/invites': 'Invites: the mail, the link, the page.',
  'admin/alerts': 'Spend alerts: the mail, and who delivers it.',
  'admin/kept-revocations': 'Revocations in a file outside the database, for the day when an older one is restored.',
  'admin/oidc': 'Signing in at an OpenID issuer.',
  'admin/sessions': 'People who sign in with a browser.',
  'admin/workload-identity': 'The exchange of a workload’s identity token for an access token.',
  'admin/demo': 'The organization that `--demo` makes.',
  gateway: 'Model traffic, and `/verify`.',
  'gateway/steps': 'The steps of a model request, in the order of `gateway-app.ts`.',
  'gateway/policies': 'Rules that may refuse or change a model request before it is forwarded.',
  'gateway/sockets': 'WebSockets to an upstream and to a client, and what passes between them.',
  'gateway/meter': 'What a request uses: counted, priced, and kept under its limits.',
  ledger: 'Usage, rate windows and budgets, exact across all servers of a database.',
  keys: 'Making, digesting, authenticating and verifying keys; who has access to what.',
  'keys/certificates': 'X.509: reading certificates, and whether one chains to another.',
  revocation: 'How every server hears of what was revoked.',
  database: 'Two engines behind one interface.',
  'database/migrations': 'What brings the tables up to date, for both engines.',
  http: 'What administration and the gateway share about requests and answers.',
  metrics: "What the server counts, in Prometheus' format.",
  world: 'What comes from outside: time, chance, the network, the terminal; and small words that every room uses.',
  server: 'Puts the rooms together and serves; the commands on the host.',
  'server/doctor': 'What `keyhall doctor` looks at: each check is a file and a row of `checks.ts`.',
  'server/prices': '`keyhall config prices`: public prices, written as `models:`.',
  client: 'The typed client, derived from `contract/`.',
  cli: 'The command line.',
  'cli/completion': 'Completion for three shells.',
  console: 'The pages for browsers. They stand on `client/` alone.',
  'console/pages': 'One file for each page.',
  'console/pages/audit': 'Parts of the page of the audit log.',
  'console/pages/inventory': 'Parts of the page of all keys.',
  'console/pages/people': 'Parts of the pages of people.',
  'console/pages/roles': 'The lists of roles, of the organization and of a project.',
  'console/pages/security': 'The page of security, and what it shares with that of a project.',
  'console/pages/workloads': 'Parts of the page of workloads.',
  'console/pages/project': 'The parts of the page of a project.',
  'console/pages/usage': 'Parts of the page of usage and spend.',
  'console/parts': 'What pages are made of.',
  scripts: 'Check, docs, build, test.',
  'scripts/docs': 'The generated pages.',
  'scripts/release': 'The parts of a release.',
  bench: 'Measurements, each beside a hand-written floor.',
  'bench/promises': 'The trials of docs/reliability.md, and what each takes out.',
}

/**
 * The page with the map between its two marks written anew. Throws for a file that does not begin
 * with a sentence about itself.
 */
export function withMap(page: string): string {
  const [before, rest] = page.split(BEGIN)
  const after = rest?.split(END)[1]
  if (after === undefined) throw new Error(`docs/architecture.md must contain "${BEGIN}" and, after it, "${END}".`)
  const folders = ['.', ...Object.keys(rooms)].flatMap((folder) => foldersIn(folder))
  const unknown = folders.filter((folder) => !(folder in rooms))
  if (unknown.length > 0) throw new Error(`${unknown.join(', ')} has no line in scripts/docs/map.ts.`)
  const sections = Object.entries(rooms).map(
    ([room, about]) => `### ${room}/\n\n${about}\n\n${linesOf(room).join('\n')}`,
  )
  return `${before}${BEGIN}\n\n${sections.join('\n\n')}\n\n${END}${after}`
}

/** The folders with source files in a folder. */
const foldersIn = (folder: string) =>
  readdirSync(folder)
    .map((name) => join(folder, name))
    .filter((path) => path !== 'test' && statSync(path).isDirectory())
    .filter((path) => readdirSync(path).some((name) => /\.tsx?$/.test(name)))

const linesOf = (room: string) =>
  readdirSync(room)
    .filter((name) => /\.tsx?$/.test(name))
    .toSorted()
    .map((name) => wrap(`- \`${name}\`: ${sentenceOf(room, name)}`))

/**
 * The first sentence of the comment that a file begins with. The handlers of a resource need none:
 * their contract has it.
 */
function sentenceOf(room: string, name: string): string {
  const [, comment] = /^\/\*\*(.*?)\*\//s.exec(readFileSync(join(room, name), 'utf8')) ?? []
  const text = comment
    ?.replace(/\n[ \t]*\*/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
  const sentence = text && (/^.*?[.:](?= [A-Z]|$)/.exec(text)?.[0] ?? text)
  if (!sentence && room === 'admin/resources') return `the handlers of \`contract/${name}\``
  if (!sentence) throw new Error(`${room}/${name} must begin with a comment that says in a sentence what it is for.`)
  return sentence.replace(/[.:]$/, '')
}

const LONGEST_LINE = 118

function wrap(text: string): string {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!
    if (line && line.length + 1 + word.length > LONGEST_LINE) lines.push(`  ${word}`)
    else lines[lines.length - 1] = line ? `${line} ${word}` : word
  }
  return lines.join('\n')
}
