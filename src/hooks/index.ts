// postrider/hooks: the types of a hook file of the administrator's own, and the verdicts that its functions may give.

/** What each function gets: the session so far. It is frozen, and a copy: nothing of the server can be changed through it. */
export interface Connected {
  /** As in the log and in the trail. */
  readonly sessionId: string
  /** relay: from another server (port 25). submission, submissions: from a user. lmtp: from a server in front of this one. */
  readonly role: 'relay' | 'submission' | 'submissions' | 'lmtp'
  /** Of the client: '192.0.2.1', '2001:db8::1'; 'unix:' and a path where it came over a UNIX socket. */
  readonly address: string
  readonly port: number
  /** From a network in `localNetworks`. */
  readonly isLocal: boolean
  readonly tls?: { readonly protocol: string; readonly cipher: string } | undefined
}

export interface Greeted extends Connected {
  /** As the client said it at EHLO, HELO or LHLO. */
  readonly heloName: string
  /** The address of the account that has logged in. */
  readonly account?: string | undefined
}

export interface MailBegun extends Greeted {
  /** 'boris@example.org'; '' is the null reverse-path of reports. */
  readonly reversePath: string
  /** What the client says of the size, in bytes. */
  readonly declaredSize?: number | undefined
}

export interface RecipientNamed extends MailBegun {
  readonly recipient: string
  /** Those that were accepted before it. */
  readonly recipients: readonly string[]
}

export interface HeaderLine {
  readonly name: string
  /** Unfolded; encoded words as they came. */
  readonly value: string
}

export interface MessageCame extends MailBegun {
  readonly recipients: readonly string[]
  readonly message: {
    readonly queueId: string
    /** In bytes. */
    readonly size: number
    /** In their order, as many as stand in the first 64 KB. */
    readonly fields: readonly HeaderLine[]
    /** The first 64 KB behind the header section, read as UTF-8, not decoded in any other way. */
    readonly body: string
    readonly isBodyWhole: boolean
    /** Of mail of strangers, where the settings check it: the domains that have proved that it is from them. */
    readonly provenDomains: readonly string[]
    /** What DMARC said of the author's domain: 'pass', 'fail', 'none' … */
    readonly dmarc?: string | undefined
  }
}

export type Verdict =
  /**
   * The message is taken whatever its points, as from a sender who is on the list of wanted ones. It does not open the
   * server to others: what the server refuses by itself, it refuses all the same.
   */
  | { readonly action: 'accept'; readonly reason?: string }
  /** `code`: 500 to 599. */
  | { readonly action: 'reject'; readonly code: number; readonly text: string }
  /** The client has to try again later. */
  | { readonly action: 'defer'; readonly text: string }
  /** Points for the message; below 0 speaks for it. */
  | { readonly action: 'score'; readonly points: number; readonly reason: string }

/** Nothing: the function has nothing to say. */
// oxlint-disable-next-line typescript/no-invalid-void-type -- a function that says nothing returns nothing
export type HookAnswer = Verdict | undefined | void
export type Hook<Session> = (session: Session) => HookAnswer | Promise<HookAnswer>

/** A file exports some of them by these names. */
export interface HookFile {
  /** Before the greeting. */
  readonly connect?: Hook<Connected>
  /** EHLO or HELO. */
  readonly hello?: Hook<Greeted>
  /** MAIL. */
  readonly mail?: Hook<MailBegun>
  /** Each RCPT that the server would accept. */
  readonly rcpt?: Hook<RecipientNamed>
  /** The whole message, before it is accepted. */
  readonly data?: Hook<MessageCame>
}

export type ConnectHook = Hook<Connected>
export type HelloHook = Hook<Greeted>
export type MailHook = Hook<MailBegun>
export type RcptHook = Hook<RecipientNamed>
export type DataHook = Hook<MessageCame>

export function accept(reason?: string): Verdict {
  return { action: 'accept', ...(reason === undefined ? {} : { reason }) }
}

export function reject(code: number, text: string): Verdict {
  return { action: 'reject', code, text }
}

export function defer(text: string): Verdict {
  return { action: 'defer', text }
}

export function score(points: number, reason: string): Verdict {
  return { action: 'score', points, reason }
}
