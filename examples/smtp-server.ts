// An SMTP server in a few lines: prints every message that it gets. In your own program the import is 'postrider/smtp'.
// Start it with `node examples/smtp-server.ts`, port as argument (0: any); with `--once` it ends after one message.
import { collectMailData, createSmtpServer, formatAddress, replies } from '../src/smtp/index.ts'

const server = createSmtpServer({
  hostname: 'localhost',
  listeners: [{ role: 'relay', address: '127.0.0.1', port: Number(process.argv[2] ?? 2525) }],
  services: {
    receive: (_client, { recipients }) =>
      collectMailData(mailData => {
        console.log(`To: ${recipients.map(({ forwardPath }) => formatAddress(forwardPath)).join(', ')}`)
        console.log(Buffer.from(mailData).toString())
        if (process.argv.includes('--once')) void server.close(1000)
        return replies.queued('1')
      }),
  },
})

for (const { address, port } of await server.listen()) console.log(`Listening on ${address}:${port}`)
