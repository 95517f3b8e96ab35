/** Sessions in memory: who signed in, as what, and whether it still opens something. */

interface Session {
  user: number
  /** The built-in role in the organization that the person had then. */
  role: string
  /** A session goes idle when nobody uses it for an hour; it has not ended, and opens nothing. */
  state: 'living' | 'idle' | 'ended'
}

/** Told by number, as everything else is. */
export class Sessions {
  readonly all: Session[] = []

  begin(user: number, role: string) {
    this.all.push({ user, role, state: 'living' })
  }

  lives(session: number): boolean {
    return this.all[session]?.state === 'living'
  }

  end(session: number) {
    this.all[session]!.state = 'ended'
  }

  /** All that live are idle now. */
  leaveUnused() {
    for (const one of this.all) if (one.state === 'living') one.state = 'idle'
  }

  /** Ends the living ones whose person lacks the role that they began with. Returns how many. */
  endLost(keeps: (user: number, role: string) => boolean): number {
    const lost = this.all.filter(({ user, role, state }) => state === 'living' && !keeps(user, role))
    for (const one of lost) one.state = 'ended'
    return lost.length
  }
}
