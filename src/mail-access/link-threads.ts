// THREAD=REFERENCES (RFC 5256 §3): messages behind what they refer to. What they refer to strangers have written, so each message costs
// a bounded time and a bounded memory, whatever it says.
import { hash } from 'node:crypto'
import type { Thread } from '../imap/responses/thread.ts'
import { eachInTurns, sortInTurns } from './in-turns.ts'

export interface Threaded {
  readonly number: number
  readonly date: number
  /** A word for its base subject; '': it has none. */
  readonly subject: string
  readonly isAnswer: boolean
}

/** A message, or the place of one that is only referred to. */
interface Node {
  /** Itself; of a place, the first of its children. */
  first: Threaded | undefined
  isMessage: boolean
  parent: Node | undefined
  /** Something was linked below it once. */
  isParent: boolean
  children: Node[] | undefined
}

/** More references of a message are not followed. */
const maxReferences = 100
/** Of messages that are not among these. */
const maxPlaces = 500_000
/** How far above a message is looked for a circle. */
const maxDepth = 1000

export const inTime = (a: Threaded, b: Threaded): number => a.date - b.date || a.number - b.number

/** A short word for a text, equal for equal ones. A copy: a part of a string keeps the whole of it in memory. */
export function wordFor(text: string): string {
  return text.length > 44 ? hash('sha256', text, 'base64') : Buffer.from(text).toString()
}

export class ThreadLinks {
  readonly #all: Node[] = []
  readonly #byId = new Map<string, Node>()
  #places = 0

  /** (1). `references`: from the first of the thread to the one that it answers. */
  add(message: Threaded, messageId: string | undefined, references: readonly string[]): void {
    const node = this.#nodeOf(message, messageId)
    let before: Node | undefined
    for (const id of references.slice(-maxReferences)) {
      const reference = this.#placeOf(id)
      if (!reference) continue
      if (before && !reference.parent) link(before, reference)
      before = reference
    }
    if (!before || node.parent === before) return
    node.parent = undefined
    link(before, node)
  }

  #nodeOf(message: Threaded, messageId: string | undefined): Node {
    const id = messageId === undefined ? undefined : wordFor(messageId)
    const known = id === undefined ? undefined : this.#byId.get(id)
    if (known && !known.isMessage) {
      known.first = message
      known.isMessage = true
      this.#places--
      return known
    }
    const node = this.#make(message)
    // Two of one Message-ID: the second is a message of its own.
    if (id !== undefined && !known) this.#byId.set(id, node)
    return node
  }

  #placeOf(messageId: string): Node | undefined {
    const id = wordFor(messageId)
    const known = this.#byId.get(id)
    if (known || this.#places >= maxPlaces) return known
    this.#places++
    const place = this.#make(undefined)
    this.#byId.set(id, place)
    return place
  }

  #make(message: Threaded | undefined): Node {
    const isMessage = message !== undefined
    const node = { first: message, isMessage, parent: undefined, isParent: false, children: undefined }
    this.#all.push(node)
    return node
  }

  /** (2) to (6). */
  async threads(): Promise<readonly Thread[]> {
    const roots: Node[] = []
    await eachInTurns(this.#all, node => {
      if (node.parent) addChild(node.parent, node)
      else roots.push(node)
    })
    const gathered = await gatherSubjects(await prune(roots))
    return await describe(await sortInTurns(gathered, byDate))
  }
}

/** Not where it would make a circle. */
function link(parent: Node, child: Node): void {
  // What nothing was linked below is above nobody.
  if (child.isParent || child === parent) {
    let depth = 0
    for (let above: Node | undefined = parent; above; above = above.parent)
      if (above === child || ++depth > maxDepth) return
  }
  child.parent = parent
  parent.isParent = true
}

function addChild(parent: Node, child: Node): void {
  parent.children ??= []
  parent.children.push(child)
}

/** From the roots down, with a stack of its own: a long thread is no deep call. */
async function withAllBelow(roots: readonly Node[]): Promise<readonly Node[]> {
  const order: Node[] = [...roots]
  // It grows meanwhile.
  await eachInTurns(order, ({ children = [] }) => {
    for (const child of children) order.push(child)
  })
  return order
}

/** (3): places without a message give way to what is below them; at the top only to a single one. */
async function prune(roots: readonly Node[]): Promise<readonly Node[]> {
  const order = await withAllBelow(roots)
  await eachInTurns(order.toReversed(), node => {
    const below = node.children
    if (below?.some(child => !child.isMessage))
      node.children = below.flatMap(child => (child.isMessage ? [child] : (child.children ?? [])))
  })
  return roots.flatMap(root => {
    const { children = [] } = root
    if (root.isMessage) return [root]
    if (children.length < 2) return children
    for (const child of children) setFirst(root, child.first)
    return [root]
  })
}

function setFirst(place: Node, message: Threaded | undefined): void {
  if (message && (!place.first || inTime(message, place.first) < 0)) place.first = message
}

/** (5): threads of one subject are one. */
async function gatherSubjects(roots: readonly Node[]): Promise<Node[]> {
  const bySubject = new Map<string, { readonly node: Node; readonly isAnswer: boolean }>()
  const subjects = roots.map(({ first }) => ({
    subject: first?.subject ?? '',
    isAnswer: first?.isAnswer === true,
  }))
  const each = roots.map((node, at) => ({ node, ...(subjects[at] ?? { subject: '', isAnswer: false }) }))
  await eachInTurns(each, ({ node, subject, isAnswer }) => {
    if (subject === '') return
    const known = bySubject.get(subject)
    if (!known || (known.node.isMessage && !node.isMessage) || (known.isAnswer && !isAnswer))
      bySubject.set(subject, { node, isAnswer })
  })
  const gathered: Node[] = []
  const places = new Map<Node, Node>()
  await eachInTurns(each, ({ node, subject, isAnswer }) => {
    const known = bySubject.get(subject)
    if (!known || known.node === node) {
      gathered.push(node)
      return
    }
    const into = places.get(known.node) ?? known.node
    if (!into.isMessage && !node.isMessage) for (const child of node.children ?? []) addChild(into, child)
    else if (!into.isMessage || (isAnswer && !known.isAnswer)) addChild(into, node)
    else {
      const place: Node = {
        first: into.first,
        isMessage: false,
        parent: undefined,
        isParent: true,
        children: [into, node],
      }
      places.set(known.node, place)
      setFirst(place, node.first)
      return
    }
    if (!into.isMessage) setFirst(into, node.first)
  })
  return gathered.map(root => places.get(root) ?? root)
}

function byDate({ first: a }: Node, { first: b }: Node): number {
  return a && b ? inTime(a, b) : 0
}

/** (4), (6): in the order of their dates, from the leaves up. */
async function describe(roots: readonly Node[]): Promise<readonly Thread[]> {
  const order = await withAllBelow(roots)
  for (const node of order)
    if (node.children && node.children.length > 1) node.children = await sortInTurns(node.children, byDate)
  const threads = new Map<Node, Thread>()
  const threadsOf = (nodes: readonly Node[]): Thread[] => nodes.flatMap(node => threads.get(node) ?? [])
  await eachInTurns(order.toReversed(), node => {
    const number = node.isMessage ? node.first?.number : undefined
    threads.set(node, { number, answers: threadsOf(node.children ?? []) })
  })
  return threadsOf(roots)
}
