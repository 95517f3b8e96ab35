/** `keyhall audit export` and `keyhall audit key`: the audit log for a log collector (SIEM). */
import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { signingKey } from '../admin/audit-signing.ts'
import { exportLines, type Exported } from '../admin/export-chain.ts'
import { BrokenLog, organizationsOf } from '../admin/verify-chain.ts'
import type { Sql } from '../database/types.ts'
import { Failed, wrongUsage, type ExitCode } from '../world/failed.ts'
import type { Terminal } from '../world/terminal.ts'
import type { Config } from './config.ts'
import { openStartedWithPepper } from './open-storage.ts'
import { sentenceOf } from './verify-audit.ts'

type Storage = Pick<Config, 'database' | 'pepper' | 'pepper_file'>

interface Target {
  /** The file to append to; its last line says where to go on. Null for standard output. */
  file: string | null
  /** A file that keeps where to go on, for lines that go to standard output. */
  state: string | null
  /** Go on after this row, whatever a file says. */
  after: string | null
}

/** How much of the end of a file is read for its last line. */
const TAIL_BYTES = 4 * 2 ** 20

export async function exportAudit(config: Storage, target: Target, terminal: Terminal): Promise<ExitCode> {
  const { database, peppers } = await openStartedWithPepper(config)
  let output: Output | undefined
  try {
    output = target.file === null ? standardOutput(terminal, target.state) : appendTo(target.file)
    const exported = await startOf(target, output, database.read)
    let lines = 0
    for await (const line of exportLines(database.read, peppers, exported)) {
      output.write(`${line}\n`)
      lines += 1
    }
    output.finish(exported)
    if (target.file !== null) terminal.out(`${target.file}: ${lines} more ${lines === 1 ? 'line' : 'lines'}.\n`)
    return 0
  } catch (error) {
    if (!(error instanceof BrokenLog)) throw error
    terminal.err(`keyhall: ${sentenceOf(error.broken)}\n`)
    return 1
  } finally {
    output?.close()
    await database.close()
  }
}

export async function printAuditKey(config: Storage, { out }: Terminal): Promise<ExitCode> {
  const { database, peppers } = await openStartedWithPepper(config)
  await database.close()
  for (const pepper of peppers) {
    const { id, publicKey } = signingKey(pepper)
    out(`Key: ${id}\n${publicKey}`)
  }
  return 0
}

interface Output {
  exported: Exported
  write: (text: string) => void
  /** Syncs what was written, and notes where to go on. */
  finish: (exported: Exported) => void
  close: () => void
}

async function startOf({ file, after }: Target, { exported }: Output, sql: Sql): Promise<Exported> {
  const organizations = await organizationsOf(sql)
  if (organizations.length > 1 && (file !== null || after !== null))
    throw new Failed('The database has several organizations; export them with --state, to standard output.')
  if (after === null) return exported
  if (!/^\d{1,15}$/.test(after)) throw wrongUsage(`--after must be the seq of a row, not "${after}".`)
  return new Map(organizations.map((id) => [id, { seq: Number(after), hash: '' }]))
}

function standardOutput({ out }: Terminal, state: string | null): Output {
  return {
    exported: state !== null && existsSync(state) ? readState(state) : new Map(),
    write: out,
    finish(exported) {
      if (state === null) return
      writeFileSync(`${state}.new`, `${JSON.stringify(Object.fromEntries(exported))}\n`, { mode: 0o600, flush: true })
      renameSync(`${state}.new`, state)
    },
    close: () => {},
  }
}

function readState(path: string): Exported {
  try {
    return new Map(
      Object.entries(JSON.parse(readFileSync(path, 'utf8')) as Record<string, { seq: number; hash: string }>),
    )
  } catch (error) {
    throw new Failed(`${path} is no state of an export: ${(error as Error).message}.`)
  }
}

/** Opens a file to append to. A line that an interrupted export did not finish is removed. */
function appendTo(path: string): Output {
  let file: number
  try {
    file = openSync(path, existsSync(path) ? 'r+' : 'wx+', 0o600)
  } catch (error) {
    throw new Failed(`${path} cannot be written: ${(error as Error).message}.`)
  }
  const { size } = statSync(path)
  const tail = Buffer.alloc(Math.min(size, TAIL_BYTES))
  readSync(file, tail, 0, tail.length, size - tail.length)
  const end = tail.lastIndexOf('\n') + 1
  const last = tail.subarray(tail.lastIndexOf('\n', end - 2) + 1, end).toString('utf8')
  const [, organization_id, seq, hash] =
    /^\{"organization_id":"([^"]+)","seq":(\d+),"hash":"([0-9a-f]{64})"/.exec(last) ?? []
  if (size > 0 && !hash) {
    closeSync(file)
    throw new Failed(`${path} does not end with a line of an export; name a file that has only those, or a new one.`)
  }
  let at = size - tail.length + end
  ftruncateSync(file, at)
  return {
    exported: new Map(hash ? [[organization_id!, { seq: Number(seq), hash }]] : []),
    write(text) {
      at += writeSync(file, text, at)
    },
    finish: () => fsyncSync(file),
    close: () => closeSync(file),
  }
}
