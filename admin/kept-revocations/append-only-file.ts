/**
 * The revocations file: an append-only file beside the data with a JSON line for each revocation,
 * so that an older database that is restored does not bring back what was taken away. Each line has
 * a MAC under the pepper; lines without a valid MAC are ignored.
 */
import { closeSync, fdatasync, fstatSync, mkdirSync, openSync, readSync, writeFileSync } from 'node:fs'
import { readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { mac, isMac, type Peppers } from '../../keys/digest.ts'
import type { SubjectState } from './state.ts'
import type { Subject } from './subject.ts'

interface Place {
  organization_id: string
  /** The row of the audit log. */
  seq: number
  /** Unix seconds. */
  at: number
}

/** The state in which a subject was left by an event. */
export interface RevocationLine extends Place, Subject {
  type: 'revocation'
  event_id: string
  state: SubjectState
}

/**
 * A link of the audit log. Every revocation up to it is in the file, or is older than the file.
 */
export interface LinkLine extends Place {
  type: 'link'
  /** In hexadecimal. */
  hash: string
}

export type KeptLine = RevocationLine | LinkLine

const datasync = promisify(fdatasync)

const LABEL = 'revocations-file:v1'

export class RevocationsFile {
  readonly path: string
  readonly #peppers: Peppers

  constructor(path: string, peppers: Peppers) {
    this.path = path
    this.#peppers = peppers
  }

  /** All valid lines in order, and how many were ignored. Null when there is no file. */
  async read(): Promise<{ lines: KeptLine[]; rejected: number; isOutdated: boolean } | null> {
    let text: string
    try {
      text = await readFile(this.path, 'utf8')
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOENT') return null
      throw error
    }
    const lines: KeptLine[] = []
    let rejected = 0
    // Whether a line was made with the previous pepper, which will be retired.
    let isOutdated = false
    for (const line of text.split('\n')) {
      if (line === '') continue
      const kept = this.#parse(line)
      if (!kept) rejected += 1
      else {
        lines.push(kept)
        isOutdated ||= this.#render(kept) !== line
      }
    }
    return { lines, rejected, isOutdated }
  }

  /** Appends lines, and resolves when they are synced. */
  async append(lines: readonly KeptLine[]) {
    if (lines.length === 0) return
    mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 })
    // Only the sync runs on another thread. On a busy machine each step that does takes longer than
    // all of these together.
    const file = openSync(this.path, 'a+', 0o600)
    try {
      const { size } = fstatSync(file)
      const last = Buffer.alloc(1)
      if (size > 0) readSync(file, last, 0, 1, size - 1)
      // A line that a power cut left unfinished must not swallow the next one.
      const start = size > 0 && last[0] !== 0x0a ? '\n' : ''
      writeFileSync(file, start + lines.map((line) => `${this.#render(line)}\n`).join(''))
      await datasync(file)
    } finally {
      closeSync(file)
    }
  }

  /** Replaces the file by one with the same lines, made with the current pepper. */
  async rewrite(lines: readonly KeptLine[]) {
    const draft = new RevocationsFile(`${this.path}.new`, this.#peppers)
    await rm(draft.path, { force: true })
    await draft.append(lines)
    await rename(draft.path, this.path)
  }

  #render(line: KeptLine): string {
    const text = JSON.stringify(line)
    return `${text.slice(0, -1)},"mac":"${mac(this.#peppers[0], LABEL, text).toString('hex')}"}`
  }

  #parse(line: string): KeptLine | null {
    const [, start, given] = /^(\{.*),"mac":"([0-9a-f]{64})"\}$/s.exec(line) ?? []
    if (!start || !isMac(this.#peppers, LABEL, `${start}}`, Buffer.from(given!, 'hex'))) return null
    return JSON.parse(`${start}}`) as KeptLine
  }
}
