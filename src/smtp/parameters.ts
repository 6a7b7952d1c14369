// Words that SMTP's commands and parameters share between server, client and queue.

/** How mail is to reach its recipients: the verbs MAIL, SEND, SOML, SAML (RFC 821 §3.4). */
export type Disposition = 'mail' | 'send' | 'soml' | 'saml'

/** BODY= (RFC 6152, RFC 3030). */
export type BodyType = '7BIT' | '8BITMIME' | 'BINARYMIME'

/** NOTIFY= (RFC 3461 §4.1). */
export type NotifyCondition = 'SUCCESS' | 'FAILURE' | 'DELAY'
