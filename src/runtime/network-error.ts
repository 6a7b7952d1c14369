// What the operating system says of a connection, in words. The code stands behind them, for who looks it up.

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused; nothing listens on this port there',
  ECONNRESET: 'cut by the other side',
  EPIPE: 'closed by the other side',
  ECONNABORTED: 'cut on the way',
  ETIMEDOUT: 'no answer',
  EHOSTUNREACH: 'this host cannot be reached; it is down, or no way leads to it',
  EHOSTDOWN: 'this host is down',
  ENETUNREACH: 'no way leads from this machine to that network',
  ENETDOWN: 'the network of this machine is down',
  EADDRNOTAVAIL: 'this machine has no address to connect from',
  EACCES: 'forbidden on this machine, by a firewall perhaps',
  EPERM: 'forbidden on this machine, by a firewall perhaps',
  EMFILE: 'this process has too many files open',
  ENOTFOUND: 'the name has no address',
  ERR_SSL_WRONG_VERSION_NUMBER: 'the other side does not answer in TLS',
  EAI_AGAIN: 'the name could not be looked up, the DNS does not answer',
}

/** Why a question over the network has no answer. `signal`: our patience is over. */
export function describeNoAnswer(cause: unknown, signal: AbortSignal): string {
  if (signal.aborted) return 'it did not answer in time'
  return cause instanceof Error ? describeNetworkError(cause) : String(cause)
}

/** 'no answer (ETIMEDOUT)'. Of OpenSSL's errors its reason: 'no shared cipher (ERR_SSL_NO_SHARED_CIPHER)'. */
export function describeNetworkError(cause: Error): string {
  const { code, reason } = cause as Error & { readonly code?: unknown; readonly reason?: unknown }
  if (typeof code !== 'string') return cause.message
  const text = words[code] ?? (typeof reason === 'string' ? reason : cause.message)
  return text.includes(code) ? text : `${text} (${code})`
}
