/**
 * Living project keys in memory: storage is read on a miss, once per key however many ask at the same time. An answer that was read
 * before something was revoked, and arrives after, is thrown away.
 */
import type { Revoked } from './authority.ts'
import { bytesOf } from './digest.ts'
import type { ProjectKey } from './project-keys.ts'

/** Shared by all keys of one owner, project or organization: crossing it out forgets them all at once. */
interface Mark {
  name: string
  crossed: boolean
}

interface Entry {
  key: ProjectKey
  marks: readonly Mark[]
  /** How many revocations there had been when its marks were last looked at. */
  seen: number
}

/** What is asked for moves to the young half; when that is full it becomes the old one, and the old one is dropped, marks and all. */
interface Half {
  entries: Map<string, Entry>
  marks: Map<string, Mark>
}

const emptyHalf = (): Half => ({ entries: new Map(), marks: new Map() })

/** What was revoked, in order. Nobody holds the beginning: what every read under way has passed is gone. */
interface Link {
  revoked: Revoked | null
  next: Link | null
}

export class KeyCache {
  readonly #load: (digest: Buffer) => Promise<ProjectKey | undefined>
  readonly #most: number
  #young = emptyHalf()
  #old = emptyHalf()
  readonly #loading = new Map<string, Promise<ProjectKey | undefined>>()
  #crossed = 0
  #newest: Link = { revoked: null, next: null }
  readonly counts = { hits: 0, misses: 0 }

  /** `most` is how many keys are remembered. `load` reads one; undefined for a key that opens nothing. */
  constructor(load: (digest: Buffer) => Promise<ProjectKey | undefined>, most: number) {
    this.#load = load
    this.#most = Math.max(2, most)
  }

  get size() {
    return this.#young.entries.size + this.#old.entries.size
  }

  /** From memory alone; undefined when it must be read. Digests are named as in `digest.ts`. */
  get(digest: string): ProjectKey | undefined {
    const young = this.#young.entries.get(digest)
    const entry = young ?? this.#old.entries.get(digest)
    if (!entry) return undefined
    if (entry.seen !== this.#crossed) {
      if (entry.marks.some(({ crossed }) => crossed)) {
        ;(young ? this.#young : this.#old).entries.delete(digest)
        return undefined
      }
      entry.seen = this.#crossed
    }
    if (!young) {
      this.#old.entries.delete(digest)
      for (const mark of entry.marks) this.#young.marks.set(mark.name, mark)
      this.#keep(digest, entry)
    }
    this.counts.hits++
    return entry.key
  }

  /** From storage, and remembered. */
  read(digest: string): Promise<ProjectKey | undefined> {
    const underWay = this.#loading.get(digest)
    if (underWay) return underWay
    this.counts.misses++
    const reading = this.#readUntilSure(digest).finally(() => this.#loading.delete(digest))
    this.#loading.set(digest, reading)
    return reading
  }

  async #readUntilSure(digest: string): Promise<ProjectKey | undefined> {
    for (;;) {
      const began = this.#newest
      const key = await this.#load(bytesOf(digest))
      if (!key) return undefined
      if (isTouchedSince(began, key)) continue
      const { organization_id, project_id, owner_id, key_id } = key
      const marks = [
        this.#mark(organization_id, 'key', key_id),
        this.#mark(organization_id, 'owner', owner_id),
        this.#mark(organization_id, 'project', project_id),
        this.#mark(organization_id, 'organization', ''),
      ]
      this.#keep(digest, { key, marks, seen: this.#crossed })
      return key
    }
  }

  /** Forgets what the revocation touches; with null, everything. */
  forget(revoked: Revoked | null) {
    this.#newest = this.#newest.next = { revoked, next: null }
    if (revoked === null) {
      this.#young = emptyHalf()
      this.#old = emptyHalf()
      return
    }
    const name = markName(revoked.organization_id, revoked.kind, revoked.id)
    for (const { marks } of [this.#young, this.#old]) {
      const mark = marks.get(name)
      if (!mark) continue
      mark.crossed = true
      this.#crossed++
      marks.delete(name)
    }
  }

  #keep(digest: string, entry: Entry) {
    this.#young.entries.set(digest, entry)
    if (this.#young.entries.size < this.#most / 2) return
    this.#old = this.#young
    this.#young = emptyHalf()
  }

  /** One mark for each name, whichever half knows it: to be crossed it must be the same object everywhere. */
  #mark(organization_id: string, kind: Revoked['kind'], id: string): Mark {
    const name = markName(organization_id, kind, id)
    let mark = this.#young.marks.get(name)
    if (!mark) {
      mark = this.#old.marks.get(name) ?? { name, crossed: false }
      this.#young.marks.set(name, mark)
    }
    return mark
  }
}

const markName = (organization_id: string, kind: Revoked['kind'], id: string) => `${kind} ${organization_id} ${id}`

function isTouchedSince(began: Link, key: ProjectKey) {
  const { organization_id, key_id, owner_id, project_id } = key
  const ids = { key: key_id, owner: owner_id, project: project_id, organization: '' }
  for (let link = began.next; link; link = link.next) {
    const { revoked } = link
    if (revoked === null || (revoked.organization_id === organization_id && ids[revoked.kind] === revoked.id))
      return true
  }
  return false
}
