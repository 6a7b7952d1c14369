// A milter that follows a script.
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { formatPacket, PacketReader, uint32 } from '../../src/scanner/milter/packets.ts'
import { type FakeScanner, startFakeScanner } from './fake-scanner.ts'

interface Heard {
  readonly kind: string
  readonly text: string
}

export interface FakeMilter extends FakeScanner {
  readonly heard: Heard[]
}

type Answers = readonly Buffer[] | ((text: string) => readonly Buffer[] | undefined)

/** Answers each command that wants an answer; without one in `answers`: go on. */
export async function startMilter(
  t: TestContext,
  answers: Readonly<Record<string, Answers>> = {},
  { wanted = 0, without = 0 }: { readonly wanted?: number; readonly without?: number } = {},
): Promise<FakeMilter> {
  const heard: Heard[] = []
  const readers = new WeakMap<object, PacketReader>()
  const last = new WeakMap<object, number>()
  const fake = await startFakeScanner(t, (socket, all) => {
    const reader = readers.get(socket) ?? new PacketReader()
    readers.set(socket, reader)
    const from = last.get(socket) ?? 0
    last.set(socket, all.length)
    const packets = reader.take(all.subarray(from))
    assert.notEqual(packets, 'too-long')
    for (const { kind, data } of packets === 'too-long' ? [] : packets) {
      const text = data.toString('utf8')
      const given = answers[kind]
      heard.push({ kind, text })
      if (kind === 'O') socket.write(formatPacket('O', uint32(6, wanted, without)))
      else if (!['D', 'A', 'Q'].includes(kind))
        for (const answer of (typeof given === 'function' ? given(text) : given) ?? [formatPacket('c')])
          socket.write(answer)
    }
  })
  return { ...fake, heard }
}
