// The form in which a message goes to a server, by what it offers: as it is where that is possible, else converted
// (RFC 6152 §3, RFC 6531 §3.2, RFC 5321 §4.5.3.1.6).
import type { Address, ReversePath } from '../../address/address.ts'
import type { ConversionProblem, ConversionTarget, FormChange } from '../../message/mime/plan-conversion.ts'
import type { QueuedMessage } from '../../queue/records.ts'
import type { OutgoingMailData } from '../../smtp/client/contract.ts'
import { type Conversion, convertMailData } from './convert-mail-data.ts'
import { findMessageNeeds, type MessageNeeds } from './message-needs.ts'

export interface OutgoingForm {
  /** The same for the same bytes, of one message. */
  readonly name: string
  readonly needs: MessageNeeds
  readonly mailData: OutgoingMailData
  /** In what it is other than it came. */
  readonly changes: readonly FormChange[]
  /** The server lacks what the message needs, and this is why it could not be made to need less. */
  readonly problem?: ConversionProblem | undefined
}

export interface FormQuestion {
  readonly message: Pick<QueuedMessage, 'body' | 'smtpUtf8' | 'hasLongLines'>
  readonly reversePath: ReversePath
  readonly forwardPaths: readonly Address[]
}

type Extensions = Pick<ReadonlyMap<string, string>, 'has'>

/** Finds the form for one server after another; what was found out about the message is kept. */
export class FormFinder {
  readonly #question: FormQuestion
  readonly #original: OutgoingMailData
  #needs: MessageNeeds
  #needsAreFound = false
  readonly #conversions = new Map<string, Conversion>()

  constructor(question: FormQuestion, original: OutgoingMailData) {
    this.#question = question
    this.#original = original
    this.#needs = question.message
  }

  /** Rejects when the mail data cannot be read. */
  async find(extensions: Extensions): Promise<OutgoingForm> {
    if (!meets(this.#needs, extensions)) await this.#findNeeds()
    const isMet = meets(this.#needs, extensions)
    const unchanged: OutgoingForm = {
      name: 'as-it-is',
      needs: this.#needs,
      mailData: this.#original,
      changes: [],
    }
    // Which BINARYMIME allows, and text does not.
    const hasLongLines = this.#question.message.hasLongLines === true && this.#needs.body !== 'BINARYMIME'
    if (isMet && !hasLongLines) return unchanged
    const target = targetFor(this.#needs, extensions)
    const conversion = await this.#convert(target)
    // Long lines alone are no reason not to send it: most servers take them.
    if (conversion.kind === 'impossible')
      return isMet ? unchanged : { ...unchanged, problem: conversion.problem }
    return {
      name: nameOf(target),
      mailData: conversion.mailData,
      changes: conversion.changes,
      needs: {
        body: target.content === 'seven-bit' ? '7BIT' : this.#needs.body,
        smtpUtf8: this.#needs.smtpUtf8 && target.headers === 'utf-8',
      },
    }
  }

  async #findNeeds(): Promise<void> {
    if (this.#needsAreFound) return
    const { reversePath, forwardPaths } = this.#question
    this.#needs = await findMessageNeeds(this.#needs, [reversePath, ...forwardPaths], this.#original.open())
    this.#needsAreFound = true
  }

  async #convert(target: ConversionTarget): Promise<Conversion> {
    const key = nameOf(target)
    const known = this.#conversions.get(key)
    if (known) return known
    const conversion = await convertMailData(this.#original, target)
    this.#conversions.set(key, conversion)
    return conversion
  }
}

function nameOf({ content, headers }: ConversionTarget): string {
  return `${content} ${headers}`
}

function meets({ body, smtpUtf8 }: MessageNeeds, extensions: Extensions): boolean {
  if (smtpUtf8 && !extensions.has('SMTPUTF8')) return false
  if (body === 'BINARYMIME') return extensions.has('BINARYMIME') && extensions.has('CHUNKING')
  return body === '7BIT' || extensions.has('8BITMIME')
}

function targetFor({ body, smtpUtf8 }: MessageNeeds, extensions: Extensions): ConversionTarget {
  const content = body !== 'BINARYMIME' && extensions.has('8BITMIME') ? 'eight-bit' : 'seven-bit'
  // A header section with 8-bit octets of whatever kind goes to nobody who takes 7 bits.
  const isUtf8Taken = smtpUtf8 ? extensions.has('SMTPUTF8') : content === 'eight-bit'
  return { content, headers: isUtf8Taken ? 'utf-8' : 'ascii' }
}
