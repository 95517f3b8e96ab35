/**
 * The commands that work on this machine and its database, without a server. Their code is loaded
 * when one is run.
 */
import { settingNames } from '../server/config.ts'
import { wrongUsage, type ExitCode } from '../world/failed.ts'
import type { Terminal } from '../world/terminal.ts'
import { helpFlag, requireNoWords, readArguments, type Arguments } from './arguments.ts'
import { doctorCommand } from './doctor-command.ts'
import { healthCommand } from './health-command.ts'
import { limitsCommands } from './limits-commands.ts'
import { localCommand, storage, type LocalCommand } from './local-command.ts'

export const localCommands: readonly LocalCommand[] = [
  localCommand({
    path: ['serve'],
    about: 'Starts the server.',
    more: 'The first start makes an organization, its owner, its "Default project" and an admin key, and prints the key once. Give secrets as variables: others on the machine can see arguments.',
    settings: settingNames,
    examples: ['serve', 'serve --port 8080 --database postgres://keyhall@db.example.com/keyhall'],
    async run(settings, terminal) {
      return (await import('../server/serve.ts')).serveUntilStopped(settings, terminal)
    },
  }),
  healthCommand,
  doctorCommand,
  localCommand({
    path: ['admin-keys', 'create'],
    about: 'Makes an admin key on the host, directly in the database: for when all admin keys are lost.',
    more: 'It works while the server runs, and leaves an audit event. Standard output has the key and nothing else.',
    flags: [
      { name: 'name', value: 'NAME', about: 'What the key is called.', notes: ['default: Made on the host'] },
      { name: 'email', value: 'EMAIL', about: 'The owner it belongs to.', notes: ['default: the oldest owner'] },
      {
        name: 'expires-in',
        value: 'TIME',
        about: 'When it ends: 30d, 12h, 90m, or a date.',
        notes: ['default: never'],
      },
    ],
    settings: storage,
    examples: ['admin-keys create --name "on call" --expires-in 12h'],
    async run(settings, terminal, given) {
      return (await import('../server/create-admin-key.ts')).createAdminKey(settings, given.flags, terminal)
    },
  }),
  localCommand({
    path: ['pepper', 'rotate'],
    about: 'Makes a new pepper the current one. The old one is still accepted.',
    more: 'Restart every server afterwards. A key that is used gets a digest under the new pepper. With several servers run it with --prepare first and restart them one after the other, so that each accepts the new pepper before the first makes keys with it.',
    flags: [{ name: 'prepare', value: null, about: 'Only accepts a new pepper.', notes: [] }],
    settings: storage,
    examples: ['pepper rotate', 'pepper rotate --prepare'],
    async run(settings, terminal, given) {
      const { rotatePepper } = await import('../server/rotate-pepper.ts')
      return rotatePepper(settings, { prepare: given.flags.has('prepare') }, terminal)
    },
  }),
  localCommand({
    path: ['pepper', 'status'],
    about: 'Says how many keys have a digest under the current pepper, and how many under the old one.',
    settings: storage,
    examples: ['pepper status'],
    async run(settings, terminal) {
      return (await import('../server/rotate-pepper.ts')).pepperStatus(settings, terminal)
    },
  }),
  localCommand({
    path: ['pepper', 'retire'],
    about: 'Ends the old pepper. Keys that were not used since the rotation stop working.',
    more: 'Without --force it lists such keys and changes nothing while there are any. The audit log is sealed anew.',
    flags: [
      {
        name: 'force',
        value: null,
        about: 'Goes on although keys stop working; each leaves an audit event.',
        notes: [],
      },
    ],
    settings: storage,
    examples: ['pepper retire', 'pepper retire --force'],
    async run(settings, terminal, given) {
      const { retire } = await import('../server/rotate-pepper.ts')
      return retire(settings, { force: given.flags.has('force') }, terminal)
    },
  }),
  localCommand({
    path: ['config', 'check'],
    about:
      'Checks the file with the model servers, and says what is wrong by line and column. Then lists the settings that are not left at their default, and where each comes from.',
    more: 'It reads the file and the environment variables that it names, and asks no model server.',
    settings: ['config'],
    examples: ['config check keyhall.yaml'],
    takes: 'FILE',
    async run(settings, terminal, given) {
      const [file = settings.config, ...more] = given.words
      if (file === null || more.length > 0) throw wrongUsage('One file is needed: "keyhall config check keyhall.yaml".')
      return (await import('../server/check-config.ts')).checkConfig(file, terminal)
    },
  }),
  localCommand({
    path: ['config', 'prices'],
    about: 'Prints the models that the model servers have with public prices, for "models:" in the file.',
    more: 'It asks the model servers for their models. Prices come from the package @pydantic/genai-prices, or from a file of LiteLLM (model_prices_and_context_window.json), which also knows how long answers can be. Models that the file has a price for are left out.',
    flags: [{ name: 'from', value: 'FILE', values: 'files', about: 'The price list of LiteLLM to take prices from.' }],
    settings: ['config', 'upstream', 'upstream_api_key', 'upstream_api_key_file'],
    examples: ['config prices keyhall.yaml >> keyhall.yaml', 'config prices keyhall.yaml --from model_prices.json'],
    takes: 'FILE',
    async run(settings, terminal, given) {
      const [file = settings.config, ...more] = given.words
      if (more.length > 0) throw wrongUsage('One file is enough: "keyhall config prices keyhall.yaml".')
      const { gatewayConfig } = await import('../server/gateway-config.ts')
      const upstreams = gatewayConfig({ ...settings, config: file }, terminal.environment, () => {})
      if (!upstreams) throw wrongUsage('One file is needed: "keyhall config prices keyhall.yaml".')
      const { configPrices } = await import('../server/prices/config-prices.ts')
      return configPrices(upstreams, given.flags.get('from')?.[0], terminal)
    },
  }),
  localCommand({
    path: ['invites', 'link'],
    about: 'Makes a new link for a pending invite: without a mail server, or when the mail did not arrive.',
    more: 'It works while the server runs, and leaves an audit event. An earlier link of the invite stops working. Standard output has the link and nothing else.',
    settings: [...storage, 'public_url', 'host', 'port'],
    examples: ['invites link invite-…', 'invites link invite-… --public-url https://keys.example.com'],
    takes: 'INVITE_ID',
    async run(settings, terminal, given) {
      const [id, ...more] = given.words
      if (id === undefined || more.length > 0)
        throw wrongUsage('One invite is needed: "keyhall invites link invite-…".')
      return (await import('../server/link-invite.ts')).linkInviteOf(settings, id, terminal)
    },
  }),
  localCommand({
    path: ['console', 'link'],
    about: 'Prints a link with which a person of the organization signs in: without a mail server or an admin key.',
    more: 'It works once, for 15 minutes, while the server runs. Whoever uses it is in the audit log as that person, signed in with a link. Standard output has the link and nothing else.',
    settings: [...storage, 'public_url', 'host', 'port'],
    examples: ['console link ann@example.com', 'console link owner@localhost --public-url https://keys.example.com'],
    takes: 'EMAIL',
    async run(settings, terminal, given) {
      const [email, ...more] = given.words
      if (email === undefined || more.length > 0)
        throw wrongUsage('One e-mail address is needed: "keyhall console link ann@example.com".')
      return (await import('../server/console-link.ts')).consoleLink(settings, email, terminal)
    },
  }),
  localCommand({
    path: ['ip-allowlists', 'lift'],
    about: 'Deactivates the IP allow lists of the organization on the host: for when they lock everybody out.',
    more: 'It works while servers run, and leaves audit events. The lists stay, and can be activated again.',
    flags: [
      {
        name: 'project-id',
        value: 'ID',
        about: 'Those of this project instead.',
        notes: ['default: those of the organization'],
      },
    ],
    settings: storage,
    examples: ['ip-allowlists lift', 'ip-allowlists lift --project-id proj_…'],
    async run(settings, terminal, given) {
      const project_id = given.flags.get('project-id')?.[0] ?? null
      return (await import('../server/lift.ts')).lift(settings, project_id, terminal)
    },
  }),
  ...limitsCommands,
  localCommand({
    path: ['backup'],
    about: 'Writes a copy of the database to one file, while servers use it, and checks the copy.',
    more: 'The file has mode 0600. The pepper is not in it: keep that somewhere else. For PostgreSQL it says what to run instead.',
    flags: [{ name: 'force', value: null, about: 'Replaces a file that is there already.' }],
    settings: storage,
    examples: ['backup keyhall-2026-11-26.db'],
    takes: 'FILE',
    async run(settings, terminal, given) {
      const force = given.flags.get('force')?.[0] === 'true'
      return (await import('../server/back-up.ts')).backUp(settings, fileOf(given, 'backup'), { force }, terminal)
    },
  }),
  localCommand({
    path: ['restore'],
    about: 'Replaces the database by a backup, after checking it and its pepper. No server may use the database.',
    more: 'The database that was there is renamed and kept. For PostgreSQL it says what to run instead.',
    settings: storage,
    examples: ['restore keyhall-2026-11-26.db'],
    takes: 'FILE',
    async run(settings, terminal, given) {
      return (await import('../server/restore.ts')).restore(settings, fileOf(given, 'restore'), terminal)
    },
  }),
  localCommand({
    path: ['audit', 'verify'],
    about: 'Checks that no row of the audit log was changed, removed or inserted.',
    more: 'It prints the newest link of each chain. A log that was replaced by an older state as a whole is found only by a link that was noted elsewhere: the server logs the newest one at each start and every hour, and keeps it in the revocations file, which is read here too.',
    flags: [
      {
        name: 'link',
        value: 'SEQ:HASH',
        about: 'A link that was noted elsewhere and must be in the log.',
        repeats: true,
      },
    ],
    settings: [...storage, 'revocations_file'],
    examples: ['audit verify', 'audit verify --link 812:3f1c…'],
    async run(settings, terminal, given) {
      return (await import('../server/verify-audit.ts')).verifyAudit(settings, given.flags.get('link') ?? [], terminal)
    },
  }),
  localCommand({
    path: ['audit', 'export'],
    about: 'Writes the audit log as signed JSON lines, for a log collector, and goes on where it stopped.',
    more: 'Each row is checked before it is written. The lines are signed with a key whose public half "audit key" prints.',
    flags: [
      {
        name: 'file',
        value: 'FILE',
        about: 'Appends to this file, after its last line.',
        notes: ['default: standard output'],
      },
      { name: 'state', value: 'FILE', about: 'Remembers the last row here, for lines that go to standard output.' },
      { name: 'after', value: 'SEQ', about: 'Goes on after the row with this seq.' },
    ],
    settings: storage,
    examples: ['audit export --file audit.jsonl', 'audit export --state exported.json | vector --config siem.toml'],
    async run(settings, terminal, given) {
      const [file = null, state = null, after = null] = ['file', 'state', 'after'].map(
        (name) => given.flags.get(name)?.[0],
      )
      if (file !== null && (state !== null || after !== null))
        throw wrongUsage('--file goes on after its last line; --state and --after are for standard output.')
      const { exportAudit } = await import('../server/export-audit.ts')
      return exportAudit(settings, { file, state, after }, terminal)
    },
  }),
  localCommand({
    path: ['audit', 'key'],
    about: 'Prints the public key with which to check the lines of "audit export".',
    settings: storage,
    examples: ['audit key > audit-key.pem'],
    async run(settings, terminal) {
      return (await import('../server/export-audit.ts')).printAuditKey(settings, terminal)
    },
  }),
  localCommand({
    path: ['audit', 'accept'],
    about: 'Seals the audit log as it is, after "audit verify" said that a head had no valid seal and you know why.',
    more: 'A log whose rows do not hold cannot be accepted.',
    settings: storage,
    examples: ['audit accept'],
    async run(settings, terminal) {
      return (await import('../server/verify-audit.ts')).acceptAudit(settings, terminal)
    },
  }),
]

/** Reads the flags of one of these commands and runs it. */
export async function runLocalCommand(
  command: LocalCommand,
  argv: readonly string[],
  terminal: Terminal,
): Promise<ExitCode> {
  const given = readArguments(argv, [...command.flags, helpFlag])
  if (!command.takes) requireNoWords(given)
  return command.run(given, terminal)
}

/** The one file that a command is for. */
function fileOf({ words }: Arguments, command: string): string {
  const [file, ...more] = words
  if (file === undefined || more.length > 0)
    throw wrongUsage(`One file is needed: "keyhall ${command} keyhall.backup".`)
  return file
}
