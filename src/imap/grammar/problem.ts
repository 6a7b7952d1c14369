// Why a command could not be read: what the client is told of it depends on the kind.

export type ProblemKind =
  /** BAD: it is no command as RFC 9051 §9 has them. */
  | 'syntax'
  /** BAD: it is one, and more of it than this server takes. */
  | 'too-complex'
  /** NO [CANNOT]: a mailbox that has such a name there is none, and will be none. */
  | 'mailbox-name'
  /** NO [BADCHARSET] */
  | 'charset'

export interface GrammarProblem {
  readonly kind: ProblemKind
  /** A sentence for a person, without its full stop. */
  readonly text: string
  /** The tag, when it could be read: the answer is for this command. */
  readonly tag?: string | undefined
}
