// Messages by our own client: of strangers, and of accounts that log in.
import assert from 'node:assert/strict'
import { parseAddress } from '../../src/address/parse-address.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { connectSmtp } from '../../src/smtp/client/connect.ts'
import type { RecipientResult } from '../../src/smtp/client/contract.ts'

export interface Sending {
  /** Who logs in, over STARTTLS, with the password 'secret'. Default: nobody, in the clear. */
  readonly account?: string | undefined
  readonly helloName?: string
  readonly reversePath: string | null
  readonly forwardPaths: readonly string[]
  readonly mailData: string
  readonly envelopeId?: string | undefined
}

/** Over a connection of its own; what becomes of each recipient. */
export async function sendMail(
  port: number,
  { account, helloName = 'client.example.net', reversePath, forwardPaths, ...message }: Sending,
): Promise<readonly RecipientResult[]> {
  const connection = await connectSmtp({
    host: '127.0.0.1',
    port,
    helloName,
    tls: account === undefined ? 'never' : 'starttls',
    verifyCertificate: false,
    ...(account === undefined ? {} : { auth: { username: account, password: 'secret' } }),
    clock: systemClock,
  })
  const mailData = Buffer.from(message.mailData)
  const results = await connection.send({
    reversePath: reversePath === null ? null : address(reversePath),
    body: '7BIT',
    smtpUtf8: false,
    envelopeId: message.envelopeId,
    recipients: forwardPaths.map(forwardPath => ({ forwardPath: address(forwardPath) })),
    mailData: {
      size: mailData.length,
      async *open() {
        yield mailData
      },
    },
  })
  connection.close()
  return results
}

/** Fails unless the recipient was accepted. */
export function queueIdOf(result: RecipientResult | undefined): string {
  assert.ok(result?.result.kind === 'accepted', JSON.stringify(result?.result))
  return /queued as ([0-9A-Z]{11})/.exec(result.result.reply.lines.join(' '))?.[1] ?? assert.fail()
}

/** From a stranger. Rejects when it is not taken. */
export async function sendMessage(port: number, to: string, subject: string): Promise<void> {
  const [result] = await sendMail(port, {
    reversePath: 'sender@example.net',
    forwardPaths: [to],
    mailData: `Subject: ${subject}\r\n\r\nText of ${subject}\r\n`,
  })
  assert.equal(result?.result.kind, 'accepted')
}

function address(text: string) {
  return parseAddress(text) ?? assert.fail(text)
}
