// rspamd as the scenarios have it: what it says of a message is the test's. Each message has to end with a line 'The end'.
import type { TestContext } from 'node:test'
import { formatScannerEndpoint } from '../../src/scanner/exchange.ts'
import { startFakeScanner } from './fake-scanner.ts'

export interface FakeRspamd {
  /** As the settings name it. */
  readonly at: string
  /** All that it was told. */
  readonly received: () => Buffer
}

/** `answer` gets what came, and returns what differs from 'nothing against it'. */
export async function startFakeRspamd(
  t: TestContext,
  answer: (told: string) => Readonly<Record<string, unknown>>,
): Promise<FakeRspamd> {
  const { endpoint, received } = await startFakeScanner(t, (socket, all) => {
    if (!all.includes('The end\r\n') || socket.writableEnded) return
    const body = JSON.stringify({
      action: 'no action',
      score: 0,
      symbols: {},
      ...answer(all.toString('latin1')),
    })
    socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`)
  })
  return { at: formatScannerEndpoint(endpoint), received }
}

/** The points that a message asks for: 'Points 8.5'. */
export function pointsIn(told: string): number {
  return Number(/Points ([0-9.]+)/.exec(told)?.[1] ?? 0)
}
