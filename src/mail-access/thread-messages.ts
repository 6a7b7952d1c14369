// THREAD (RFC 5256 §3): messages that answer each other, by their subjects or by what they refer to.
import type { ThreadCommand } from '../imap/grammar/commands/thread.ts'
import type { Thread } from '../imap/responses/thread.ts'
import type { Refusal } from '../imap/server/mailbox-services.ts'
import { readBaseSubject } from '../message/structure/base-subject.ts'
import { eachInTurns, sortInTurns } from './in-turns.ts'
import { inTime, type Threaded, ThreadLinks, wordFor } from './link-threads.ts'
import { compileFor, findMessages, type Searching, tooManyFound } from './search-messages.ts'
import { fold, readDate, type SearchedMessage } from './searched-message.ts'

/** All of them are in memory at once. */
const maxMessages = 500_000

export async function threadMessages(
  searching: Searching,
  { key, algorithm, by }: Omit<ThreadCommand, 'verb'>,
): Promise<readonly Thread[] | Refusal> {
  const messages: Threaded[] = []
  // References stands in no envelope: where it is asked for, the header section is read.
  const links = algorithm === 'REFERENCES' ? new ThreadLinks() : undefined
  const matcher = await compileFor(searching, key)
  let count = 0
  for await (const found of findMessages(searching, matcher, links ? 'rows' : 'envelopes')) {
    if (++count > maxMessages) return tooManyFound(maxMessages)
    const { row } = found
    const { base, isAnswer } = readBaseSubject((await found.field('subject')) ?? '')
    const message = {
      number: by === 'uid' ? row.uid : (searching.numbers.numberOf(row.uid) ?? 0),
      date: readDate(await found.field('date')) ?? row.receivedAt,
      subject: wordFor(fold(base)),
      isAnswer,
    }
    if (links) await linkMessage(links, message, found)
    else messages.push(message)
  }
  return links ? await links.threads() : await threadBySubject(messages)
}

async function linkMessage(links: ThreadLinks, message: Threaded, found: SearchedMessage): Promise<void> {
  const ids = async (name: string): Promise<string[]> => idsIn(await found.field(name))
  const [messageId] = await ids('message-id')
  const references = await ids('references')
  const [answered] = await ids('in-reply-to')
  links.add(message, messageId, references.length > 0 || answered === undefined ? references : [answered])
}

function idsIn(value = ''): string[] {
  return value.match(/<[^<>\s]{1,998}>/g) ?? []
}

/** ORDEREDSUBJECT: the first of each subject, and the others as its answers. */
async function threadBySubject(messages: readonly Threaded[]): Promise<readonly Thread[]> {
  const threads = new Map<string, { readonly number: number; readonly answers: Thread[] }>()
  await eachInTurns(await sortInTurns(messages, inTime), ({ subject, number }) => {
    const known = threads.get(subject)
    if (known) known.answers.push({ number, answers: [] })
    else threads.set(subject, { number, answers: [] })
  })
  return [...threads.values()]
}
