// One message from a stranger, by our own client.
import assert from 'node:assert/strict'
import { parseAddress } from '../../src/address/parse-address.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { connectSmtp } from '../../src/smtp/client/connect.ts'

/** Rejects when it is not taken. */
export async function sendMessage(port: number, to: string, subject: string): Promise<void> {
  const connection = await connectSmtp({
    host: '127.0.0.1',
    port,
    helloName: 'client.example.net',
    tls: 'never',
    verifyCertificate: false,
    clock: systemClock,
  })
  const mailData = Buffer.from(`Subject: ${subject}\r\n\r\nText of ${subject}\r\n`)
  const [result] = await connection.send({
    reversePath: { localPart: 'sender', domain: 'example.net' },
    body: '7BIT',
    smtpUtf8: false,
    recipients: [{ forwardPath: parseAddress(to) ?? assert.fail(to) }],
    mailData: {
      size: mailData.length,
      async *open() {
        yield mailData
      },
    },
  })
  connection.close()
  assert.equal(result?.result.kind, 'accepted')
}
