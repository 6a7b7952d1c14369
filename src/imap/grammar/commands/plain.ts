// Commands that stand alone: CAPABILITY, NOOP, LOGOUT, STARTTLS, NAMESPACE, IDLE, CLOSE, UNSELECT (RFC 9051 §6), CHECK (RFC 3501
// §6.4.1).

export interface PlainCommand {
  readonly verb:
    | 'CAPABILITY'
    | 'NOOP'
    | 'LOGOUT'
    | 'STARTTLS'
    | 'NAMESPACE'
    | 'IDLE'
    | 'CHECK'
    | 'CLOSE'
    | 'UNSELECT'
}

export function plainParser(verb: PlainCommand['verb']): () => PlainCommand {
  return () => ({ verb })
}
