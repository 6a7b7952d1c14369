// THREAD (RFC 5256 §3): messages that answer each other, by their subjects or by what they refer to.
import type { ThreadCommand } from '../imap/grammar/commands/sort.ts'
import type { Thread } from '../imap/responses/thread.ts'
import { type BaseSubject, readBaseSubject } from '../message/structure/base-subject.ts'
import { compileFor, findMessages, type Searching } from './search-messages.ts'
import { fold, readDate } from './searched-message.ts'

interface Threaded {
  readonly number: number
  readonly date: number
  readonly subject: BaseSubject
  readonly messageId: string | undefined
  /** From the first of the thread to the one that it answers. */
  readonly references: readonly string[]
}

export async function threadMessages(
  searching: Searching,
  { key, algorithm, by }: Omit<ThreadCommand, 'verb'>,
): Promise<readonly Thread[]> {
  const messages: Threaded[] = []
  // References stands in no envelope: where it is asked for, the header section is read.
  const refers = algorithm === 'REFERENCES'
  const matcher = await compileFor(searching, key)
  for await (const message of findMessages(searching, matcher, refers ? 'rows' : 'envelopes')) {
    const { row } = message
    const number = by === 'uid' ? row.uid : (searching.numbers.numberOf(row.uid) ?? 0)
    const date = readDate(await message.field('date')) ?? row.receivedAt
    const subject = readBaseSubject((await message.field('subject')) ?? '')
    const ids = async (name: string): Promise<string[]> => (refers ? idsIn(await message.field(name)) : [])
    const [messageId] = await ids('message-id')
    const references = await ids('references')
    const [answered] = await ids('in-reply-to')
    messages.push({
      number,
      date,
      subject: { ...subject, base: fold(subject.base) },
      messageId,
      references: references.length > 0 || answered === undefined ? references : [answered],
    })
  }
  return algorithm === 'REFERENCES' ? threadByReferences(messages) : threadBySubject(messages)
}

/** More are not followed. */
const maxReferences = 1000

function idsIn(value = ''): string[] {
  return (value.match(/<[^<>\s]{1,998}>/g) ?? []).slice(-maxReferences)
}

const inTime = (a: Threaded, b: Threaded): number => a.date - b.date || a.number - b.number

/** ORDEREDSUBJECT: the first of each subject, and the others as its answers. */
function threadBySubject(messages: readonly Threaded[]): Thread[] {
  const threads = [...Map.groupBy(messages, ({ subject }) => subject.base).values()].map(ofSubject =>
    ofSubject.toSorted(inTime),
  )
  return threads
    .toSorted(([a], [b]) => (a && b ? inTime(a, b) : 0))
    .flatMap(([first, ...others]) =>
      first ? [{ number: first.number, answers: others.map(({ number }) => ({ number, answers: [] })) }] : [],
    )
}

/** A message, or the place of one that is only referred to. */
interface Node {
  message: Threaded | undefined
  parent: Node | undefined
  children: Node[]
}

/** REFERENCES: the steps of §3, (1) to (6). */
function threadByReferences(messages: readonly Threaded[]): Thread[] {
  const nodes = linkNodes(messages)
  const roots = prune(nodes.filter(({ parent }) => !parent))
  return gatherSubjects(roots).toSorted(byDate).map(describe)
}

/** (1): each message behind what it refers to. */
function linkNodes(messages: readonly Threaded[]): readonly Node[] {
  const byId = new Map<string, Node>()
  const all: Node[] = []
  const nodeOf = (id: string | undefined): Node => {
    const known = id === undefined ? undefined : byId.get(id)
    if (known) return known
    const node: Node = { message: undefined, parent: undefined, children: [] }
    all.push(node)
    if (id !== undefined) byId.set(id, node)
    return node
  }
  for (const message of messages) {
    const known = nodeOf(message.messageId)
    // Two of one Message-ID: the second is a message of its own.
    const node = known.message ? nodeOf(undefined) : known
    node.message = message
    let before: Node | undefined
    for (const id of message.references) {
      const reference = nodeOf(id)
      if (before && !reference.parent) link(before, reference)
      before = reference
    }
    if (before) {
      unlink(node)
      link(before, node)
    }
  }
  return all
}

function unlink(node: Node): void {
  const { parent } = node
  if (parent) parent.children = parent.children.filter(child => child !== node)
  node.parent = undefined
}

/** Not where it would make a circle. */
function link(parent: Node, child: Node): void {
  for (let above: Node | undefined = parent; above; above = above.parent) if (above === child) return
  child.parent = parent
  parent.children.push(child)
}

/** (3): places without a message give way to what is below them; at the top only to a single one. With a stack of its own. */
function prune(roots: readonly Node[]): readonly Node[] {
  const order: Node[] = []
  for (const waiting = [...roots]; waiting.length > 0; ) {
    const node = waiting.pop()
    if (!node) break
    order.push(node)
    waiting.push(...node.children)
  }
  for (const node of order.toReversed())
    node.children = node.children.flatMap(child => (child.message ? [child] : child.children))
  return roots.flatMap(root => {
    if (root.message) return [root]
    return root.children.length > 1 ? [root] : root.children
  })
}

/** (5): threads of one subject are one. */
function gatherSubjects(roots: readonly Node[]): Node[] {
  const bySubject = new Map<string, Node>()
  for (const root of roots) {
    const subject = subjectOf(root)
    if (subject.base === '') continue
    const known = bySubject.get(subject.base)
    if (!known || (known.message && !root.message) || (subjectOf(known).isAnswer && !subject.isAnswer))
      bySubject.set(subject.base, root)
  }
  const gathered: Node[] = []
  const places = new Map<Node, Node>()
  for (const root of roots) {
    const subject = subjectOf(root)
    const first = bySubject.get(subject.base)
    if (!first || first === root) {
      gathered.push(root)
      continue
    }
    const into = places.get(first) ?? first
    if (!into.message && !root.message) into.children.push(...root.children)
    else if (!into.message || (subject.isAnswer && !subjectOf(first).isAnswer)) into.children.push(root)
    else {
      const place: Node = { message: undefined, parent: undefined, children: [into, root] }
      places.set(first, place)
    }
  }
  return gathered.map(root => places.get(root) ?? root)
}

function subjectOf(node: Node): BaseSubject {
  return (node.message ?? node.children[0]?.message)?.subject ?? { base: '', isAnswer: false }
}

function dateOf(node: Node): number {
  return (
    node.message?.date ??
    Math.min(...node.children.map(child => child.message?.date ?? Number.POSITIVE_INFINITY))
  )
}

function byDate(a: Node, b: Node): number {
  return dateOf(a) - dateOf(b) || numberOf(a) - numberOf(b)
}

function numberOf(node: Node): number {
  return node.message?.number ?? Math.min(...node.children.map(numberOf))
}

/** (4), (6): in the order of their dates. From the leaves up: a long thread is no deep call. */
function describe(root: Node): Thread {
  const order: Node[] = []
  for (const waiting = [root]; waiting.length > 0; ) {
    const node = waiting.pop()
    if (!node) break
    order.push(node)
    waiting.push(...node.children)
  }
  const threads = new Map<Node, Thread>()
  for (const node of order.toReversed())
    threads.set(node, {
      number: node.message?.number,
      answers: node.children.toSorted(byDate).flatMap(child => threads.get(child) ?? []),
    })
  return threads.get(root) ?? { number: undefined, answers: [] }
}
