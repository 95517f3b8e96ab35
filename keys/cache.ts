/**
 * Living project keys in memory: storage is read on a miss, once per key however many ask at the same time. An answer that was read
 * before something was revoked, and arrives after, is thrown away.
 */
import type { ProjectKey } from './project-keys.ts'
import type { Revoked } from './revocations.ts'

/** Shared by all keys of one owner, project or organization: crossing it out forgets them all at once. */
interface Mark {
  crossed: boolean
}

interface Entry {
  key: ProjectKey
  marks: readonly Mark[]
}

export interface CacheCounts {
  hits: number
  misses: number
  size: number
}

export class KeyCache {
  readonly #load: (digest: Buffer) => Promise<ProjectKey | undefined>
  readonly #most: number
  /** Two halves: what is asked for moves to the young one; when that is full it becomes the old one, and the old one is dropped. */
  #young = new Map<string, Entry>()
  #old = new Map<string, Entry>()
  #marks = new Map<string, Mark>()
  readonly #loading = new Map<string, Promise<ProjectKey | undefined>>()
  /** What was revoked while anything was being read. */
  #revoked: (Revoked | null)[] = []
  readonly counts = { hits: 0, misses: 0 }

  /** `most` is how many keys are remembered. `load` reads one; undefined for a key that opens nothing. */
  constructor(load: (digest: Buffer) => Promise<ProjectKey | undefined>, most: number) {
    this.#load = load
    this.#most = Math.max(2, most)
  }

  get size() {
    return this.#young.size + this.#old.size
  }

  /** From memory alone; undefined when it must be read. */
  get(digest: string): ProjectKey | undefined {
    let entry = this.#young.get(digest)
    if (!entry) {
      entry = this.#old.get(digest)
      if (!entry) return undefined
      this.#old.delete(digest)
      this.#keep(digest, entry)
    }
    for (const mark of entry.marks) {
      if (!mark.crossed) continue
      this.#young.delete(digest)
      return undefined
    }
    this.counts.hits++
    return entry.key
  }

  /** From storage, and remembered. */
  read(bytes: Buffer, digest: string): Promise<ProjectKey | undefined> {
    const underWay = this.#loading.get(digest)
    if (underWay) return underWay
    this.counts.misses++
    const reading = this.#readUntilSure(bytes, digest).finally(() => {
      this.#loading.delete(digest)
      if (this.#loading.size === 0) this.#revoked = []
    })
    this.#loading.set(digest, reading)
    return reading
  }

  async #readUntilSure(bytes: Buffer, digest: string): Promise<ProjectKey | undefined> {
    for (;;) {
      const from = this.#revoked.length
      const key = await this.#load(bytes)
      if (!key) return undefined
      if (this.#revoked.slice(from).some((revoked) => touches(revoked, key))) continue
      const { organization_id, project_id, owner_id, key_id } = key
      const marks = [
        this.#mark(organization_id, 'key', key_id),
        this.#mark(organization_id, 'owner', owner_id),
        this.#mark(organization_id, 'project', project_id),
        this.#mark(organization_id, 'organization', ''),
      ]
      this.#keep(digest, { key, marks })
      return key
    }
  }

  /** Forgets what the revocation touches; with null, everything. */
  forget(revoked: Revoked | null) {
    if (this.#loading.size > 0) this.#revoked.push(revoked)
    if (revoked === null) {
      this.#young = new Map()
      this.#old = new Map()
      this.#marks = new Map()
      return
    }
    const name = markName(revoked.organization_id, revoked.kind, revoked.id)
    const mark = this.#marks.get(name)
    if (!mark) return
    mark.crossed = true
    this.#marks.delete(name)
  }

  #keep(digest: string, entry: Entry) {
    this.#young.set(digest, entry)
    if (this.#young.size < this.#most / 2) return
    this.#old = this.#young
    this.#young = new Map()
    this.#sweepMarks()
  }

  #mark(organization_id: string, kind: Revoked['kind'], id: string): Mark {
    const name = markName(organization_id, kind, id)
    let mark = this.#marks.get(name)
    if (!mark) this.#marks.set(name, (mark = { crossed: false }))
    return mark
  }

  /** Marks of keys that are remembered no more would pile up. */
  #sweepMarks() {
    const inUse = new Set<Mark>()
    for (const { marks } of this.#old.values()) for (const mark of marks) inUse.add(mark)
    for (const [name, mark] of this.#marks) if (!inUse.has(mark)) this.#marks.delete(name)
  }
}

const markName = (organization_id: string, kind: Revoked['kind'], id: string) => `${kind} ${organization_id} ${id}`

const touches = (revoked: Revoked | null, key: ProjectKey) =>
  revoked === null ||
  (revoked.organization_id === key.organization_id &&
    { key: key.key_id, owner: key.owner_id, project: key.project_id, organization: '' }[revoked.kind] === revoked.id)
