// The hashes of the body that the signatures of a message ask for: each form is made once, however many ask for it.
import { createHash, type Hash } from 'node:crypto'
import { CanonicalBody, type Canonicalization } from './canonical-body.ts'

export interface BodyHashWish {
  readonly canonicalization: Canonicalization
  /** l=: of the canonical body, so many octets count; undefined: all. */
  readonly length: number | undefined
}

export interface BodyHash {
  /** SHA-256 */
  readonly hash: Buffer
  /** Octets of the canonical body. */
  readonly bodyLength: number
}

interface Sum {
  readonly length: number | undefined
  readonly hash: Hash
  taken: number
}

interface Form {
  readonly body: CanonicalBody
  readonly sums: Map<number | undefined, Sum>
  bodyLength: number
}

export class BodyHashes {
  readonly #forms = new Map<Canonicalization, Form>()
  readonly #found = new Map<string, BodyHash>()

  /** Before the first octet of the body. */
  constructor(wishes: readonly BodyHashWish[]) {
    for (const { canonicalization, length } of wishes) {
      const form = this.#formOf(canonicalization)
      if (!form.sums.has(length)) form.sums.set(length, { length, hash: createHash('sha256'), taken: 0 })
    }
  }

  write(piece: Uint8Array): void {
    for (const { body } of this.#forms.values()) body.write(piece)
  }

  finish(): void {
    for (const [canonicalization, form] of this.#forms) {
      form.body.finish()
      for (const { length, hash } of form.sums.values())
        this.#found.set(keyOf({ canonicalization, length }), {
          hash: hash.digest(),
          bodyLength: form.bodyLength,
        })
    }
  }

  /** After `finish`, of what was wished for. */
  find(wish: BodyHashWish): BodyHash | undefined {
    return this.#found.get(keyOf(wish))
  }

  #formOf(canonicalization: Canonicalization): Form {
    const known = this.#forms.get(canonicalization)
    if (known) return known
    const sums = new Map<number | undefined, Sum>()
    const form: Form = {
      sums,
      bodyLength: 0,
      body: new CanonicalBody(canonicalization, piece => {
        form.bodyLength += piece.length
        for (const sum of sums.values()) add(sum, piece)
      }),
    }
    this.#forms.set(canonicalization, form)
    return form
  }
}

function add(sum: Sum, piece: Uint8Array): void {
  const left = sum.length === undefined ? piece.length : Math.min(piece.length, sum.length - sum.taken)
  if (left <= 0) return
  sum.taken += left
  sum.hash.update(left < piece.length ? piece.subarray(0, left) : piece)
}

function keyOf({ canonicalization, length }: BodyHashWish): string {
  return `${canonicalization} ${length ?? ''}`
}
