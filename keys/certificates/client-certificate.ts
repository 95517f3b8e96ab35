/** What a client showed: its certificate, and those that lead from it to an authority. */
import type { Authorities } from './authorities.ts'
import { parseCertificate, type Certificate } from './certificate.ts'
import { MOST_INTERMEDIATES, verdictOn, type Verdict } from './certificate-path.ts'
import { NotDer } from './der.ts'

export class ClientCertificate {
  readonly #client: Certificate
  readonly #intermediates: readonly Certificate[]
  /** By authorities, which are one object for all keys of a project until something changes. */
  readonly #verdicts = new WeakMap<Authorities, Verdict>()

  private constructor([client, ...intermediates]: readonly [Certificate, ...Certificate[]]) {
    this.#client = client
    this.#intermediates = intermediates
  }

  /** The certificate of the client first; text says what is wrong with them. */
  static read(ders: readonly Buffer[]): ClientCertificate | string {
    if (ders.length > MOST_INTERMEDIATES + 1) return `its chain has more than ${MOST_INTERMEDIATES} certificates`
    try {
      return new ClientCertificate(ders.map(parseCertificate) as [Certificate, ...Certificate[]])
    } catch (error) {
      if (error instanceof NotDer) return `it cannot be read: ${error.message}`
      throw error
    }
  }

  /** Why it is not accepted at this time, in Unix seconds; null if it is. */
  problem(authorities: Authorities, now: number): string | null {
    let verdict = this.#verdicts.get(authorities)
    if (!verdict) {
      verdict = verdictOn(this.#client, this.#intermediates, authorities.certificates)
      this.#verdicts.set(authorities, verdict)
    }
    if ('problem' in verdict) return verdict.problem
    if (verdict.windows.some(({ from, until }) => from <= now && now <= until)) return null
    return verdict.windows.every(({ from }) => now < from)
      ? 'it, or a certificate above it, is not valid yet'
      : 'it, or a certificate above it, has expired'
  }
}
