// What an event is found by: addresses, names, reply codes, words of the subject; and each as the short text that stands with
// the event in the database.
import { isIP } from 'node:net'
import { hashState, hashText } from '../runtime/hash-text.ts'
import type { Reply } from '../smtp/reply.ts'
import type { TrailEvent } from './events.ts'

/** 'f:anna@example.org': a letter for what it is, and the text in small letters. */
export type TrailKey = string

/** a: account that asked for mail. f: sender. t: recipient. l: name at AUTH. n: domain or host. i: IP address. m: Message-ID. c: reply. w: word. s: session. q: what a reply calls its refusal. */
type KeyKind = 'a' | 'f' | 't' | 'l' | 'n' | 'i' | 'm' | 'c' | 'w' | 's' | 'q'

function makeKey(kind: KeyKind, text: string): TrailKey {
  return `${kind}:${text.toLowerCase()}`
}

export const trailKeys = {
  sender: (address: string): TrailKey => makeKey('f', address),
  recipient: (address: string): TrailKey => makeKey('t', address),
  /** The account whose server asked for its mail. */
  account: (address: string): TrailKey => makeKey('a', address),
  /** The name with which somebody tried to log in. */
  login: (address: string): TrailKey => makeKey('l', address),
  /** A domain, a mail host, the name in EHLO. */
  name: (name: string): TrailKey => makeKey('n', name),
  ip: (address: string): TrailKey => makeKey('i', address),
  /** Without its angle brackets. */
  messageId: (id: string): TrailKey => makeKey('m', id),
  /** '550', '5.1.1' */
  reply: (code: string): TrailKey => makeKey('c', code),
  word: (word: string): TrailKey => makeKey('w', word),
  session: (id: string): TrailKey => makeKey('s', id),
  /** '1CCD5D74AAE' */
  refusal: (id: string): TrailKey => makeKey('q', id),
} as const

/** Somebody else writes subjects and recipients: an event has no more keys than this. */
const maxWords = 20
const maxKeys = 4000

/** The words of a subject, as they are looked for. */
export function wordsOf(subject: string): string[] {
  // The same letter may be written as one character or as two.
  return (
    subject
      .normalize('NFC')
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? []
  ).slice(0, maxWords)
}

export function keysOf(event: TrailEvent): Set<TrailKey> {
  const keys = new Set<TrailKey>()
  addKeys(event, (kind, text) => {
    if (keys.size < maxKeys) keys.add(makeKey(kind, text))
  })
  return keys
}

type Add = (kind: KeyKind, text: string) => void

function addKeys(event: TrailEvent, add: Add): void {
  switch (event.kind) {
    case 'received': {
      const { reception } = event
      addPeer(reception, add)
      addSender(reception.reversePath, add)
      for (const recipient of reception.recipients) addRecipient(recipient, add)
      if (reception.messageId !== undefined) add('m', reception.messageId)
      if (reception.subject !== undefined) for (const word of wordsOf(reception.subject)) add('w', word)
      break
    }
    case 'refused':
      addPeer(event, add)
      if (event.reversePath !== undefined) addSender(event.reversePath, add)
      if (event.forwardPath !== undefined) addRecipient(event.forwardPath, add)
      for (const recipient of event.recipients ?? []) addRecipient(recipient, add)
      if (event.loginName !== undefined) add('l', event.loginName)
      if (event.domains) addAsked(event.domains, event, add)
      addReply(event.reply, add)
      if (event.id !== undefined) add('q', event.id)
      if (event.authentication?.dmarc?.domain !== undefined) add('n', event.authentication.dmarc.domain)
      break
    case 'login-refused':
      addPeer(event, add)
      if (event.loginName !== undefined) add('l', event.loginName)
      break
    case 'authenticated': {
      const { dmarc, dkim = [] } = event.authentication
      if (dmarc?.domain !== undefined) add('n', dmarc.domain)
      for (const { domain } of dkim) if (domain !== undefined) add('n', domain)
      break
    }
    case 'screened':
      for (const { name } of event.screening.lines) for (const word of wordsOf(name)) add('w', word)
      break
    case 'attempted':
      addRecipient(event.recipient, add)
      addOutcome(event.outcome, add)
      // Under which the next server knows it.
      if (event.sent?.reversePath !== undefined) add('f', event.sent.reversePath)
      for (const host of event.mxHosts ?? []) addHost(host, add)
      if (event.fetched) add('a', event.fetched.account)
      for (const { what, where } of event.filter?.did ?? [])
        if (where !== undefined && what !== 'filed')
          for (const address of where.split(', ')) addRecipient(address, add)
      break
    case 'postponed':
      addRecipient(event.recipient, add)
      addDiagnosis(event.diagnosis, add)
      break
    case 'written':
      addSender(event.reversePath ?? '', add)
      for (const recipient of event.recipients) addRecipient(recipient, add)
      if (event.messageId !== undefined) add('m', event.messageId)
      if (event.subject !== undefined) for (const word of wordsOf(event.subject)) add('w', word)
      break
    case 'reported':
    case 'reports':
      for (const recipient of event.recipients) addRecipient(recipient, add)
      break
    case 'set-aside':
    case 'account-held':
      addRecipient(event.recipient, add)
      break
    case 'hooked':
      addPeer(event, add)
      for (const { recipient } of event.remarks) if (recipient !== undefined) addRecipient(recipient, add)
      break
    case 'quarantined':
    case 'quarantine-ended':
      for (const recipient of event.recipients) addRecipient(recipient, add)
      break
    case 'administered':
      if (event.recipient !== undefined) addRecipient(event.recipient, add)
      break
    case 'scheduled':
      break
    case 'kept':
      addRecipient(event.recipient, add)
      break
    case 'bounced':
      if (event.recipient !== undefined) addRecipient(event.recipient, add)
      for (const host of [event.remoteMta, event.reportingMta]) if (host !== undefined) addHost(host, add)
      if (event.status !== undefined) add('c', event.status)
      break
    case 'complained':
      if (event.recipient !== undefined) addRecipient(event.recipient, add)
      break
    case 'asked-for':
      addPeer(event, add)
      addAsked([event.domain], event, add)
      break
    case 'queue-started':
      addPeer(event, add)
      addAsked(event.domains, event, add)
      addReply(event.reply, add)
      break
    case 'fetched':
      addPeer(event, add)
      addAsked(event.domains, event, add)
      break
    case 'cut-off':
      addPeer(event, add)
      addSender(event.reversePath, add)
      for (const recipient of event.recipients) addRecipient(recipient, add)
      break
    case 'turned-away':
      addPeer(event, add)
      if (event.reply) addReply(event.reply, add)
      if (event.id !== undefined) add('q', event.id)
      break
    default:
      event satisfies never
  }
}

interface Peer {
  readonly sessionId?: string | undefined
  readonly remoteAddress: string
  readonly heloName?: string | undefined
}

function addPeer({ sessionId, remoteAddress, heloName }: Peer, add: Add): void {
  if (sessionId !== undefined) add('s', sessionId)
  add('i', remoteAddress)
  if (heloName !== undefined) addHost(heloName, add)
}

function addAsked(
  domains: readonly string[],
  { account }: { readonly account?: string | undefined },
  add: Add,
): void {
  if (account !== undefined) add('a', account)
  for (const domain of domains) add('n', domain)
}

function addHost(host: string, add: Add): void {
  add(isIP(host) === 0 ? 'n' : 'i', host)
}

function addSender(address: string, add: Add): void {
  add('f', address)
  addDomainOf(address, add)
}

function addRecipient(address: string, add: Add): void {
  add('t', address)
  addDomainOf(address, add)
}

function addDomainOf(address: string, add: Add): void {
  const at = address.lastIndexOf('@')
  if (at >= 0) add('n', address.slice(at + 1))
}

function addReply({ code, enhanced }: Reply, add: Add): void {
  add('c', String(code))
  if (enhanced !== undefined) add('c', enhanced)
}

type Outcome = Extract<TrailEvent, { kind: 'attempted' }>['outcome']

function addOutcome(outcome: Outcome, add: Add): void {
  switch (outcome.kind) {
    case 'relayed':
      addServer(outcome, add)
      addReply(outcome.reply, add)
      break
    case 'deferred':
    case 'failed':
    case 'expired':
      addDiagnosis(outcome.diagnosis, add)
      break
    case 'expanded':
      for (const address of outcome.into) addRecipient(address, add)
      break
    case 'delivered':
    case 'discarded':
    case 'shown':
      break
    default:
      outcome satisfies never
  }
}

function addDiagnosis(diagnosis: Extract<TrailEvent, { kind: 'postponed' }>['diagnosis'], add: Add): void {
  addServer(diagnosis, add)
  if (diagnosis.reply) addReply(diagnosis.reply, add)
}

/** `remoteAddress`: with its port, as '192.0.2.1:25' or '[2001:db8::1]:25'. */
function addServer(
  server: { readonly remoteMta?: string | undefined; readonly remoteAddress?: string | undefined },
  add: Add,
): void {
  if (server.remoteMta !== undefined) addHost(server.remoteMta, add)
  if (server.remoteAddress === undefined) return
  const colon = server.remoteAddress.lastIndexOf(':')
  add('i', server.remoteAddress.slice(0, colon).replaceAll(/[[\]]/g, ''))
}

// Stored with each event, so these may never change.
const hashKey = 0x7ee1a5ed
const markBits = 25
const markLength = 5

/** What stands for a key in the database: 25 bits, which tell apart the keys of a thousand events. */
export function markOf(key: TrailKey): number {
  return hashText(key, hashKey) % 2 ** markBits
}

/** The state of the hash after 'f:' and its like: goes on with the text, without a string for the whole. */
const hashStates = new Map<KeyKind, number>(
  (['a', 'f', 't', 'l', 'n', 'i', 'm', 'c', 'w', 's', 'q'] as const).map(kind => [
    kind,
    hashState(`${kind}:`, hashKey),
  ]),
)

/** The marks of an event, as they stand with it: for every event that is written, so without its keys as texts. */
export function marksOf(event: TrailEvent): string {
  const marks = new Set<number>()
  addKeys(event, (kind, text) => {
    if (marks.size < maxKeys)
      marks.add(hashText(text.toLowerCase(), hashStates.get(kind) ?? hashKey) % 2 ** markBits)
  })
  return formatMarks(marks)
}

/** ' 0a1b2 3c4d5 ': each between blanks, so that LIKE finds a whole one. */
export function formatMarks(marks: Iterable<number>): string {
  let text = ' '
  for (const mark of marks) text += `${formatMark(mark)} `
  return text
}

export function formatMark(mark: number): string {
  return mark.toString(32).padStart(markLength, '0')
}

/** Adds those that `text` has, one or several of `formatMarks` after the other. */
export function collectMarks(text: string, marks: Set<number>): void {
  let mark = 0
  let digits = 0
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code === blank) {
      if (digits > 0) marks.add(mark)
      mark = 0
      digits = 0
    } else {
      mark = mark * 32 + (code < letterA ? code - digit0 : code - letterA + 10)
      digits++
    }
  }
}

const blank = 0x20
const digit0 = 0x30
const letterA = 0x61
