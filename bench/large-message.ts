// How far the memory of a server grows while it takes one large message, by DATA and by BDAT (RFC 3030).
import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { listTree, readPeakRssBytes, readRssBytes } from '../test/harness/process-tree.ts'
import { openConnection, type RawConnection } from '../test/harness/raw-connection.ts'
import type { Subject } from './subject.ts'

export interface LargeMessageFigures {
  readonly messageBytes: number
  /** From before the transaction to the highest resident set while it lasted. */
  readonly growthBytes: number
  readonly seconds: number
}

const settleMs = 1000

export async function measureLargeMessage(
  subject: Subject,
  verb: 'DATA' | 'BDAT',
  messageBytes: number,
  parentFolder: string,
): Promise<LargeMessageFigures> {
  const server = await subject.start({ parentFolder, destination: 'hold' })
  try {
    // Code that the first message loads belongs to no message.
    await sendLarge(server.port, verb, 100_000)
    await sleep(settleMs)
    const before = readRssBytes(server.pid)
    resetPeaks(server.pid)
    const startedAt = performance.now()
    await sendLarge(server.port, verb, messageBytes)
    const seconds = (performance.now() - startedAt) / 1000
    const peak = listTree(server.pid).reduce((sum, pid) => sum + readPeakRssBytes(pid), 0)
    const queued = await server.countQueue()
    if (queued !== 2) throw new Error(`${queued} messages in the queue, 2 expected`)
    return { messageBytes, growthBytes: peak - before, seconds }
  } finally {
    await server.stop()
  }
}

// proc(5): writing 5 sets the peak resident set to the present one.
function resetPeaks(root: number): void {
  for (const pid of listTree(root)) writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

const line = Buffer.from(`${'0123456789'.repeat(7)}abcdef\r\n`)
const block = Buffer.concat(Array.from({ length: 1000 }, () => line))
const header = 'From: sender@example.org\r\nTo: receiver@example.net\r\nSubject: large\r\n\r\n'

async function sendLarge(port: number, verb: 'DATA' | 'BDAT', messageBytes: number): Promise<void> {
  const connection = await openConnection(port)
  try {
    expect(220, await connection.reply())
    expect(250, await connection.command('EHLO load.example.org'))
    expect(250, await connection.command('MAIL FROM:<sender@example.org>'))
    expect(250, await connection.command('RCPT TO:<receiver@example.net>'))
    await (verb === 'DATA' ? sendData(connection, messageBytes) : sendChunks(connection, messageBytes))
    expect(221, await connection.command('QUIT'))
  } finally {
    connection.destroy()
  }
}

async function sendData(connection: RawConnection, messageBytes: number): Promise<void> {
  expect(354, await connection.command('DATA'))
  await connection.write(header)
  for (let sent = 0; sent < messageBytes; sent += block.length) await connection.write(block)
  expect(250, await connection.command('.'))
}

// One chunk of the whole size: the hardest for a server that would gather a chunk in memory.
async function sendChunks(connection: RawConnection, messageBytes: number): Promise<void> {
  const blocks = Math.ceil(messageBytes / block.length)
  await connection.write(`BDAT ${header.length + blocks * block.length} LAST\r\n${header}`)
  for (let sent = 0; sent < blocks; sent++) await connection.write(block)
  expect(250, await connection.reply())
}

function expect(code: number, reply: { readonly code: number; readonly text: string } | undefined): void {
  if (reply?.code !== code)
    throw new Error(`${code} expected, ${reply ? `${reply.code} ${reply.text}` : 'closed'} came`)
}
