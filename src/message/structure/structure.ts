// The MIME structure of a message as a mail program wants to know it before it fetches anything (RFC 9051 §7.5.2).

/** Where something stands in the mail data, in octets from its beginning. */
export interface Extent {
  readonly start: number
  readonly end: number
}

export type Parameters = readonly (readonly [name: string, value: string])[]

interface PartFields {
  /** In lower case: 'text', 'plain'. */
  readonly type: string
  readonly subtype: string
  readonly parameters: Parameters
  readonly id?: string | undefined
  readonly description?: string | undefined
  /** In lower case; '7bit' without the field. */
  readonly encoding: string
  readonly md5?: string | undefined
  readonly disposition?: { readonly type: string; readonly parameters: Parameters } | undefined
  readonly language?: readonly string[] | undefined
  readonly location?: string | undefined
  /** The header section with its empty line. */
  readonly header: Extent
  readonly body: Extent
  /** Of the body. */
  readonly lines: number
}

export interface LeafPart extends PartFields {
  readonly kind: 'leaf'
}

export interface MultipartPart extends PartFields {
  readonly kind: 'multipart'
  /** One at least: a multipart without a part is a leaf. */
  readonly parts: readonly Part[]
}

/** Its body is a message. */
export interface MessagePart extends PartFields {
  readonly kind: 'message'
  readonly envelope: Envelope
  readonly message: Part
}

export type Part = LeafPart | MultipartPart | MessagePart

/** RFC 9051 §7.5.2, ENVELOPE: what is in the header section, encoded words as they are. */
export interface Envelope {
  readonly date?: string | undefined
  readonly subject?: string | undefined
  readonly from: readonly EnvelopeAddress[]
  readonly sender: readonly EnvelopeAddress[]
  readonly replyTo: readonly EnvelopeAddress[]
  readonly to: readonly EnvelopeAddress[]
  readonly cc: readonly EnvelopeAddress[]
  readonly bcc: readonly EnvelopeAddress[]
  readonly inReplyTo?: string | undefined
  readonly messageId?: string | undefined
}

/** A mailbox; with `group` the beginning of a group of that name, or, with null, its end. */
export type EnvelopeAddress =
  | {
      readonly name?: string | undefined
      /** A source route (RFC 5322 §4.4): '@a.example,@b.example'. */
      readonly route?: string | undefined
      readonly localPart: string
      readonly domain: string
    }
  | { readonly group: string | null }

export interface MessageStructure {
  readonly envelope: Envelope
  readonly root: Part
  /** Parts were too many, too deep, or header sections too long: the message is told as one part. */
  readonly isTruncated: boolean
}
