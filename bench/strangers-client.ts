// Sends one message again and again, from an address that the PROXY header names: smtp-source cannot. A process of its own, so
// that its CPU is not the server's. Arguments: port, sessions, messages, client address, file of the message. Ends with 1 when
// one is not taken.
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'

const [port = '', sessions = '', messages = '', client = '', file = ''] = process.argv.slice(2)
const message = await readFile(file)
const transaction = Buffer.concat([
  Buffer.from('MAIL FROM:<news@sender.test>\r\nRCPT TO:<anna@here.test>\r\nDATA\r\n'),
])
let left = Number(messages)

/** The replies of a transaction: MAIL, RCPT, DATA, and the end of the data. */
function send(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1')
    let text = ''
    let wanted: 'greeting' | 'hello' | 'go-ahead' | 'taken' = 'greeting'
    const next = (): void => {
      if (left-- <= 0) {
        socket.end('QUIT\r\n')
        resolve()
        return
      }
      wanted = 'go-ahead'
      socket.write(transaction)
    }
    const step = (reply: string): void => {
      if (wanted === 'greeting') {
        wanted = 'hello'
        socket.write('EHLO mx.sender.test\r\n')
      } else if (wanted === 'go-ahead' && reply.startsWith('354')) {
        wanted = 'taken'
        socket.write(message)
      } else if (!reply.startsWith('250')) reject(new Error(reply))
      else if (wanted !== 'go-ahead') next()
    }
    socket.on('error', reject)
    socket.on('connect', () => socket.write(`PROXY TCP4 ${client} 192.0.2.1 40000 25\r\n`))
    socket.on('data', data => {
      text += data.toString('latin1')
      for (;;) {
        const end = text.indexOf('\r\n')
        if (end < 0) return
        const line = text.slice(0, end)
        text = text.slice(end + 2)
        if (line[3] === ' ') step(line)
      }
    })
  })
}

await Promise.all(Array.from({ length: Number(sessions) }, send))
