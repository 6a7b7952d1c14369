// What our own accounts send, looked at by the scanners that the settings want asked about it: a stolen password sends viruses
// and spam in the name of this server.
import type { HeaderFieldToAdd, MessageChanges, Specimen } from '../scanner/contract.ts'
import type { Attending, Scanners } from './run-scanners.ts'
import { type ScoreLine, sumOf } from './score.ts'
import {
  describeChanges,
  find,
  joinChanges,
  reasons,
  type ScreeningEvidence,
  whyNotLooked,
} from './screen.ts'

export interface OutgoingParts {
  /** Those that are asked about what accounts send. */
  readonly scanners: Scanners
  /** So many points are too many; undefined: no number is. */
  readonly score?: number | undefined
}

export interface OutgoingScreened {
  readonly verdict:
    | { readonly kind: 'accept' }
    /** It may be a virus; or a scanner that matters is away. */
    | {
        readonly kind: 'refuse' | 'defer'
        readonly because: string
        /** For the peer. */
        readonly told: string
        /** Nobody has looked at it: it is refused for its size. */
        readonly isUnseen?: boolean | undefined
      }
    /** Too many points. */
    | { readonly kind: 'spam'; readonly because: string }
  readonly evidence: ScreeningEvidence
  readonly headerFields: readonly HeaderFieldToAdd[]
  readonly changes?: MessageChanges | undefined
}

export class OutgoingScreening {
  readonly #parts: OutgoingParts

  constructor(parts: OutgoingParts) {
    this.#parts = parts
  }

  /** There is something to ask, or others' points to add up. */
  isOn(lines: readonly ScoreLine[]): boolean {
    return this.#parts.scanners.areAny || (lines.length > 0 && this.#parts.score !== undefined)
  }

  /** `lines`: points that others have given. `attending`: scanners that have followed the transaction. */
  async screen(
    specimen: Specimen,
    lines: readonly ScoreLine[],
    attending?: Attending,
  ): Promise<OutgoingScreened> {
    const scans = await this.#parts.scanners.scan(specimen, attending)
    const all = [...lines, ...scans.flatMap(scan => scan.lines)]
    const score = sumOf(all)
    const notAsked = scans.flatMap(whyNotLooked)
    const changes = joinChanges(scans)
    return {
      verdict: this.#judge(scans, score),
      evidence: {
        score,
        lines: all,
        ...(notAsked.length > 0 ? { notAsked } : {}),
        ...(changes ? { changes: scans.flatMap(describeChanges) } : {}),
      },
      headerFields: scans.flatMap(({ headerFields }) => headerFields),
      ...(changes ? { changes } : {}),
    }
  }

  #judge(scans: Awaited<ReturnType<Scanners['scan']>>, score: number): OutgoingScreened['verdict'] {
    // Whoever has seen something is believed before those who have not looked.
    const looked = scans.filter(({ notLooked }) => notLooked === undefined)
    const refusing = find(looked, 'refuse')
    if (refusing) return { kind: 'refuse', ...reasons(refusing, 'refuses the message') }
    const { score: most } = this.#parts
    if (most !== undefined && score >= most)
      return { kind: 'spam', because: `it looks like spam (${score} points; ${most} are too many)` }
    const keeping = find(looked, 'quarantine')
    if (keeping) return { kind: 'refuse', ...reasons(keeping, 'does not let the message out') }
    const unseen = find(scans, 'refuse') ?? find(scans, 'quarantine')
    if (unseen) return { kind: 'refuse', ...reasons(unseen, 'does not let the message out'), isUnseen: true }
    const deferring = find(scans, 'defer')
    return deferring
      ? { kind: 'defer', ...reasons(deferring, 'asks to see the message again later') }
      : { kind: 'accept' }
  }
}
