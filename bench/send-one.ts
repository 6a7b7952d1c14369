// One message over a connection of its own, to a server that has just greeted.
import { openConnection } from '../test/harness/raw-connection.ts'

/** Resolves with its 250. */
export async function sendOne(port: number): Promise<void> {
  const connection = await openConnection(port)
  try {
    await connection.reply()
    for (const line of [
      'EHLO a.example.org',
      'MAIL FROM:<a@example.org>',
      'RCPT TO:<b@example.net>',
      'DATA',
      'hello\r\n.',
    ]) {
      const reply = await connection.command(line)
      if (reply === undefined || reply.code >= 400) throw new Error(`${line}: ${reply?.text ?? 'closed'}`)
    }
  } finally {
    connection.destroy()
  }
}
