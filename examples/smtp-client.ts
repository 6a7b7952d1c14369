// An SMTP client in a few lines: sends one message and prints the dialogue. In your own program the import is
// 'postrider/smtp'. Start it with `node examples/smtp-client.ts <host> <port> <from> <to>`.
import { connectSmtp, parseAddress, SmtpClientFailure } from '../src/smtp/index.ts'

const [host = 'localhost', port = '2525', from = 'anna@example.test', to = 'boris@example.test'] =
  process.argv.slice(2)
const reversePath = parseAddress(from)
const forwardPath = parseAddress(to)
if (!reversePath || !forwardPath) throw new Error('from and to have to be addresses')

const message = Buffer.from(
  [`From: ${from}`, `To: ${to}`, 'Subject: From the example', '', 'Hello', ''].join('\r\n'),
)
try {
  const connection = await connectSmtp({
    host,
    port: Number(port),
    helloName: 'localhost',
    tls: 'opportunistic',
    verifyCertificate: false,
    onDialogue: line => console.log(line),
  })
  const [sent] = await connection.send({
    reversePath,
    body: '7BIT',
    smtpUtf8: false,
    recipients: [{ forwardPath }],
    mailData: {
      size: message.length,
      async *open() {
        yield message
      },
    },
  })
  await connection.quit()
  if (sent?.result.kind !== 'accepted') process.exitCode = 1
} catch (cause) {
  if (!(cause instanceof SmtpClientFailure)) throw cause
  console.log(cause.message)
  process.exitCode = 1
}
