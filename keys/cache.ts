/**
 * A cache of living project keys. A miss reads storage, once per key, also when several requests
 * ask for it at the same time. A read that raced with a revocation is thrown away and repeated.
 *
 * Eviction is a generational LRU: hits are promoted into `recent`; when that is full it becomes
 * `stale`, and the previous `stale` is dropped with its tags.
 *
 * To invalidate all keys of an owner, project or organization costs as much as to invalidate one:
 * entries share tags, and an invalidated tag makes every entry that has it a miss.
 */
import type { Invalidation } from '../revocation/invalidation.ts'
import { fromLatin1 } from './digest.ts'
import type { KeyKind } from './format.ts'
import type { ProjectKey } from './read-project-key.ts'

/** Shared by all entries of one key, owner, project or organization. */
interface Tag {
  name: string
  invalidated: boolean
}

interface Entry {
  key: ProjectKey
  tags: readonly Tag[]
  /** How many tags had been invalidated when those of this entry were last checked. */
  checkedAt: number
}

interface Generation {
  entries: Map<string, Entry>
  tags: Map<string, Tag>
}

const emptyGeneration = (): Generation => ({ entries: new Map(), tags: new Map() })

/**
 * Linked list of invalidations, oldest first. A read holds the node that was newest when it
 * started, and looks at those behind it when its row arrives. Only reads in flight hold nodes, so
 * older ones are garbage collected.
 */
interface RevocationNode {
  /** Null invalidates all keys. */
  invalidation: Invalidation | null
  next: RevocationNode | null
}

type Load = (digests: readonly Buffer[], kind: KeyKind) => Promise<ProjectKey | undefined>

export class KeyCache {
  readonly #load: Load
  readonly #capacity: number
  #recent = emptyGeneration()
  #stale = emptyGeneration()
  readonly #loading = new Map<string, Promise<ProjectKey | undefined>>()
  #invalidatedTags = 0
  #newest: RevocationNode = { invalidation: null, next: null }
  readonly counts = { hits: 0, misses: 0 }

  /**
   * `load` reads the key with one of these digests from storage; undefined when it is unknown,
   * deleted or expired.
   */
  constructor(load: Load, capacity: number) {
    this.#load = load
    this.#capacity = Math.max(2, capacity)
  }

  get size() {
    return this.#recent.entries.size + this.#stale.entries.size
  }

  /** The key, if it is in memory; undefined on a miss. `digest` is a latin1 string. */
  get(digest: string): ProjectKey | undefined {
    const recent = this.#recent.entries.get(digest)
    const entry = recent ?? this.#stale.entries.get(digest)
    if (!entry) return undefined
    if (entry.checkedAt !== this.#invalidatedTags) {
      if (entry.tags.some(({ invalidated }) => invalidated)) {
        ;(recent ? this.#recent : this.#stale).entries.delete(digest)
        return undefined
      }
      entry.checkedAt = this.#invalidatedTags
    }
    if (!recent) {
      this.#stale.entries.delete(digest)
      for (const tag of entry.tags) this.#recent.tags.set(tag.name, tag)
      this.#keep(digest, entry)
    }
    this.counts.hits++
    return entry.key
  }

  /**
   * Whether this object is still what memory has for the key. Requests under way ask this; it does
   * not count as a use.
   */
  holds(digest: string, key: ProjectKey): boolean {
    const entry = this.#recent.entries.get(digest) ?? this.#stale.entries.get(digest)
    if (entry?.key !== key) return false
    return entry.checkedAt === this.#invalidatedTags || !entry.tags.some(({ invalidated }) => invalidated)
  }

  /**
   * Reads the key from storage and remembers it. `previous` are its digests under the previous
   * peppers.
   */
  read(digest: string, previous: readonly Buffer[] = [], kind: KeyKind = 'project'): Promise<ProjectKey | undefined> {
    const inFlight = this.#loading.get(digest)
    if (inFlight) return inFlight
    this.counts.misses++
    const reading = this.#readWithoutRace(digest, previous, kind).finally(() => this.#loading.delete(digest))
    this.#loading.set(digest, reading)
    return reading
  }

  async #readWithoutRace(digest: string, previous: readonly Buffer[], kind: KeyKind): Promise<ProjectKey | undefined> {
    for (;;) {
      const started = this.#newest
      const key = await this.#load([fromLatin1(digest), ...previous], kind)
      if (!key) return undefined
      if (isInvalidatedSince(started, key)) continue
      const tags = tagNames(key).map((name) => this.#tag(name))
      this.#keep(digest, { key, tags, checkedAt: this.#invalidatedTags })
      return key
    }
  }

  /** Forgets the keys that these invalidations name; with null, all. */
  forget(invalidation: Invalidation | null) {
    this.#newest = this.#newest.next = { invalidation, next: null }
    if (invalidation === null) {
      this.#recent = emptyGeneration()
      this.#stale = emptyGeneration()
      return
    }
    const name = tagName(invalidation)
    for (const { tags } of [this.#recent, this.#stale]) {
      const tag = tags.get(name)
      if (!tag) continue
      tag.invalidated = true
      this.#invalidatedTags++
      tags.delete(name)
    }
  }

  #keep(digest: string, entry: Entry) {
    this.#recent.entries.set(digest, entry)
    if (this.#recent.entries.size < this.#capacity / 2) return
    this.#stale = this.#recent
    this.#recent = emptyGeneration()
  }

  /**
   * The tag with this name. There is one object per name in both generations, so that invalidating
   * it reaches every entry that has it.
   */
  #tag(name: string): Tag {
    let tag = this.#recent.tags.get(name)
    if (!tag) {
      tag = this.#stale.tags.get(name) ?? { name, invalidated: false }
      this.#recent.tags.set(name, tag)
    }
    return tag
  }
}

const tagName = (invalidation: Invalidation) =>
  invalidation.scope === 'organization'
    ? `organization ${invalidation.organization_id}`
    : `${invalidation.scope} ${invalidation.organization_id} ${invalidation.id}`

const tagNames = ({ organization_id, project_id, owner_id, key_id }: ProjectKey) => [
  tagName({ organization_id, scope: 'key', id: key_id }),
  tagName({ organization_id, scope: 'owner', id: owner_id }),
  tagName({ organization_id, scope: 'project', id: project_id }),
  tagName({ organization_id, scope: 'organization' }),
]

function isInvalidatedSince(started: RevocationNode, key: ProjectKey) {
  if (!started.next) return false
  const names = tagNames(key)
  for (let node = started.next as RevocationNode | null; node; node = node.next) {
    if (node.invalidation === null || names.includes(tagName(node.invalidation))) return true
  }
  return false
}
