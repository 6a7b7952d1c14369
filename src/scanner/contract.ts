// What outside scanners are asked, and what they answer, whichever protocol they speak.
import type { MessageEdits } from '../message/edit-message.ts'
import { Fault } from '../runtime/fault.ts'
import { replaceControls } from '../runtime/text.ts'
import type { Reply } from '../smtp/reply.ts'

/** A message as a scanner is shown it: whole, before it is accepted. */
export interface Specimen {
  /** '0ANHN9VYR00' */
  readonly queueId: string
  readonly client: SpecimenClient
  /** 'anna@example.test'; '' is the null reverse-path. */
  readonly reversePath: string
  readonly recipients: readonly string[]
  /** Of the mail data, in bytes. */
  readonly size: number
  /** The mail data with CRLF line ends, as it would be stored. */
  open(): AsyncIterable<Uint8Array>
}

export interface SpecimenClient {
  /** '192.0.2.1', '2001:db8::1' */
  readonly address: string
  readonly port: number
  /** As it said at EHLO or HELO. */
  readonly heloName?: string | undefined
  /** Of its address in the DNS, where that name leads back to the address. */
  readonly hostName?: string | undefined
  /** The account that has logged in. */
  readonly account?: string | undefined
  /** With which mechanism: 'SCRAM-SHA-256'. */
  readonly mechanism?: string | undefined
  /** 'TLSv1.3 TLS_AES_256_GCM_SHA384' */
  readonly tls?: string | undefined
}

/** A mail transaction, of which some scanners want to hear before there is a message. */
export interface AttendedTransaction {
  readonly client: AttendedClient
  /** '' is the null reverse-path. */
  readonly reversePath: string
  /** Of MAIL: 'SIZE=1000', 'BODY=8BITMIME'. */
  readonly parameters: readonly string[]
}

export interface AttendedClient extends SpecimenClient {
  /** Where it has connected to: '192.0.2.25' and 25. */
  readonly localAddress?: string | undefined
  readonly localPort?: number | undefined
  /** Of its address in the DNS, whether or not that name leads back. */
  readonly pointerName?: string | undefined
  /** Of a certificate that proves whom it names: '/C=DE/CN=scanner-3'. */
  readonly certificate?: { readonly subject: string; readonly issuer: string } | undefined
}

export interface AttendedRecipient {
  readonly address: string
  /** Of RCPT: 'NOTIFY=NEVER'. */
  readonly parameters: readonly string[]
}

/** A scanner in one transaction. After a ScannerFault only `close` is of use. */
export interface Attendance {
  /** A reply refuses this recipient, and no other. Rejects with a ScannerFault, also when `signal` ends it. */
  recipient(recipient: AttendedRecipient, signal: AbortSignal): Promise<Reply | undefined>
  /** As that of a Scanner; of the recipients only those that were not refused. */
  scan(specimen: Specimen, signal: AbortSignal): Promise<ScanReport>
  /** The transaction is over, or there is no message of it. */
  close(): void
}

/** accept: nothing against it. mark: spam, to be shown as such. quarantine: nobody gets it before somebody has looked. */
export type Advice = 'accept' | 'mark' | 'quarantine' | 'defer' | 'refuse'

/** One thing that a scanner saw. */
export interface Finding {
  /** As the scanner calls it: 'BAYES_99', 'Eicar-Test-Signature'. */
  readonly name: string
  /** In the scanner's own measure; above 0 speaks for spam. */
  readonly score?: number | undefined
  readonly detail?: string | undefined
}

export interface HeaderFieldToAdd {
  readonly name: string
  readonly value: string
}

/** What a scanner makes of the message that goes on, if it does. */
export interface MessageChanges extends MessageEdits {
  readonly addedRecipients: readonly string[]
  readonly removedRecipients: readonly string[]
  /** '' is the null reverse-path; undefined: it stays. */
  readonly reversePath?: string | undefined
}

export interface ScanReport {
  readonly advice: Advice
  /** In the scanner's own measure. */
  readonly score?: number | undefined
  /** The score from which the scanner calls a message spam. */
  readonly threshold?: number | undefined
  readonly findings: readonly Finding[]
  /** What the sender is to be told; one printable line. */
  readonly text?: string | undefined
  readonly headerFields?: readonly HeaderFieldToAdd[] | undefined
  /** Beyond fields to add. */
  readonly changes?: MessageChanges | undefined
}

export interface Scanner {
  /** 'clamd at /run/clamav/clamd.ctl', for people. */
  readonly name: string
  /** Rejects with a ScannerFault, also when `signal` ends it. */
  scan(specimen: Specimen, signal: AbortSignal): Promise<ScanReport>
  /** Whether it is there, and speaks as it should where its protocol has a way to ask. Rejects as `scan`. */
  ping?(signal: AbortSignal): Promise<void>
  /** Of one that wants to hear of each recipient when it is named. */
  attend?(transaction: AttendedTransaction): Attendance
}

export type ScannerFaultCode =
  /** Not there, too busy, or silent: the next message may fare better. */
  | 'SCANNER_UNAVAILABLE'
  /** It answered something else than its protocol says: somebody has to look at the settings. */
  | 'SCANNER_CONFUSED'
  /** It does not look at messages of this size. */
  | 'SCANNER_TOO_LARGE'

export class ScannerFault extends Fault {
  override readonly name = 'ScannerFault'
  declare readonly code: ScannerFaultCode

  constructor(code: ScannerFaultCode, message: string, options?: ErrorOptions) {
    super(code, message, options)
  }
}

/** A scanner's words for a reply or the trail: one line of printable characters, not too long. */
export function oneLine(text: string, maxLength = 200): string {
  const line = replaceControls(text, ' ').trim()
  return line.length > maxLength ? `${line.slice(0, maxLength - 1)}…` : line
}
