/**
 * `keyhall pepper rotate`, `status` and `retire`: changes the pepper while all keys go on working.
 */
import { BrokenLog } from '../admin/verify-chain.ts'
import { retireOldPepper } from '../admin/retire-pepper.ts'
import { isFirstKnown, checkPeppers } from '../keys/check-peppers.ts'
import type { Peppers } from '../keys/digest.ts'
import { livingKeys, type LivingKey } from '../keys/keys-by-pepper.ts'
import { Failed, type ExitCode } from '../world/failed.ts'
import { printable } from '../world/printable.ts'
import type { Terminal } from '../world/terminal.ts'
import { realWorld } from '../world/world.ts'
import type { Config } from './config.ts'
import { openStartedWithPepper } from './open-storage.ts'
import { sentenceOf } from './verify-audit.ts'
import { newPepper, printPeppers, replacePepperFile } from './pepper-file.ts'

type Storage = Pick<Config, 'database' | 'pepper' | 'pepper_file'>

/**
 * Makes a new pepper, which becomes the current one; the old one goes on being accepted. With
 * `prepare` it is accepted only, so that several servers can learn of it one after the other before
 * the first makes keys with it.
 */
export async function rotatePepper(
  config: Storage,
  { prepare }: { prepare: boolean },
  terminal: Terminal,
): Promise<ExitCode> {
  const { database, peppers } = await openStartedWithPepper(config)
  try {
    const next = await nextPeppers(database, peppers, prepare)
    await checkPeppers(database, next)
    store(config, next, terminal)
    terminal.err(
      prepare
        ? 'A new pepper is accepted beside the old one. Restart every server with both, then run "keyhall pepper rotate".\n'
        : 'The new pepper is the current one, and the old one is accepted. Restart every server with both. A key gets a digest under the new one when it is used; "keyhall pepper status" counts the others.\n',
    )
    return 0
  } finally {
    await database.close()
  }
}

async function nextPeppers(
  database: Parameters<typeof checkPeppers>[0],
  [current, other]: Peppers,
  prepare: boolean,
): Promise<Peppers> {
  if (!other) return prepare ? [current, newPepper()] : [newPepper(), current]
  if (!prepare && (await isFirstKnown(database.read, current))) return [other, current]
  throw new Failed('A rotation is under way; end it with "keyhall pepper retire" before you begin another.')
}

/** Prints how many living keys each pepper has. */
export async function pepperStatus(config: Storage, { out }: Terminal): Promise<ExitCode> {
  const { database, peppers } = await openStartedWithPepper(config)
  try {
    const [current, old] = peppers
    const count = { current: 0, old: 0, forged: 0 }
    for await (const { pepper } of livingKeys(database.read, peppers))
      count[pepper === current ? 'current' : pepper === undefined ? 'forged' : 'old']++
    out(`Keys under the current pepper: ${count.current}\n`)
    if (old) out(`Keys under the old pepper, not used since the rotation: ${count.old}\n`)
    else out('There is one pepper; no rotation is under way.\n')
    if (count.forged > 0) out(`Keys whose rows were changed without the pepper, which open nothing: ${count.forged}\n`)
    return 0
  } finally {
    await database.close()
  }
}

/**
 * Ends the old pepper. Keys that were not used since the rotation stop; without `force` they are
 * listed, and nothing changes.
 */
export async function retire(config: Storage, { force }: { force: boolean }, terminal: Terminal): Promise<ExitCode> {
  const { database, peppers } = await openStartedWithPepper(config)
  try {
    const [current, old] = peppers
    if (!old) throw new Failed('There is one pepper; "keyhall pepper rotate" makes another.')
    if (await isFirstKnown(database.read, current))
      throw new Failed('The new pepper is not the current one yet; run "keyhall pepper rotate" first.')
    const left: LivingKey[] = []
    for await (const key of livingKeys(database.read, peppers)) if (key.pepper === old) left.push(key)
    for (const key of left) terminal.out(`${lineOf(key)}\n`)
    if (left.length > 0 && !force) {
      terminal.err(
        `${counted(left)} stop, because they were not used since the rotation. Nothing was changed; --force goes on.\n`,
      )
      return 1
    }
    await retireOldPepper(database, peppers, realWorld, left).catch(refuseBroken)
    store(config, [current], terminal)
    terminal.err(
      `The old pepper is retired. ${counted(left)} stopped. Links of invites that were made before the rotation stopped as well; "keyhall invites link" makes new ones. Restart every server with the new pepper alone.\n`,
    )
    return 0
  } finally {
    await database.close()
  }
}

function refuseBroken(error: unknown): never {
  if (!(error instanceof BrokenLog)) throw error
  throw new Failed(
    `${sentenceOf(error.broken)} The old pepper is needed until it is whole, and no key was stopped; see "keyhall audit verify".`,
  )
}

/**
 * Writes the peppers to their file, or to standard output where they come from the environment.
 */
function store(config: Storage, peppers: Peppers, { out, err }: Terminal) {
  if (!config.pepper) return replacePepperFile(config.pepper_file, peppers)
  err('KEYHALL_PEPPER must be from now on:\n')
  out(`${printPeppers(peppers, ',')}\n`)
}

const counted = ({ length }: { length: number }) => (length === 1 ? '1 key' : `${length} keys`)

function lineOf({ id, name, redacted_value, last_used_at }: LivingKey) {
  const used = last_used_at === null ? 'never used' : `last used ${new Date(last_used_at * 1000).toISOString()}`
  return `${id}  ${redacted_value}  ${used}  ${printable(name)}`
}
