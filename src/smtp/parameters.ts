// Words that SMTP's commands and parameters share between server, client and queue.

/** How mail is to reach its recipients: the verbs MAIL, SEND, SOML, SAML (RFC 821 §3.4). */
export type Disposition = 'mail' | 'send' | 'soml' | 'saml'

/** BODY= (RFC 6152, RFC 3030). */
export type BodyType = '7BIT' | '8BITMIME' | 'BINARYMIME'

/** BY= (RFC 2852 §4): what is to happen when the message is not delivered by then. */
export type DeliverByMode = 'notify' | 'return'

/** BY=, as a peer says it. */
export interface DeliverByRequest {
  /** From the command on; 0 or less only with 'notify': the time is over, and who had to be told has been. */
  readonly seconds: number
  readonly mode: DeliverByMode
  /** The sender wants to hear of each server that has no DELIVERBY, and of each hand-over. */
  readonly trace: boolean
}

/** NOTIFY= (RFC 3461 §4.1). */
export type NotifyCondition = 'SUCCESS' | 'FAILURE' | 'DELAY'
