// Opens many SMTP sessions, says EHLO in each, and then does nothing. A process of its own, so that its memory and
// its CPU are not the server's. Arguments: port, number of sessions. Prints "ready"; ends when its input ends.
import { connect } from 'node:net'

const [port = 0, sessions = 0] = process.argv.slice(2).map(Number)

const openedAtOnce = 100
const sessionsPerAddress = 1000

// Each source address has its own range of ports, and looks like a peer of its own.
function openSession(index: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const localAddress = `127.0.0.${2 + Math.floor(index / sessionsPerAddress)}`
    const socket = connect({ port, host: '127.0.0.1', localAddress })
    let text = ''
    let greeted = false
    socket.on('data', data => {
      text += data.toString('latin1')
      const lastLine = text.split('\r\n').at(-2)
      if (lastLine === undefined || lastLine[3] !== ' ') return
      text = ''
      if (greeted) {
        socket.removeAllListeners('data')
        resolve()
      } else {
        greeted = true
        socket.write('EHLO idle.example.org\r\n')
      }
    })
    socket.once('error', reject)
    socket.once('close', () => reject(new Error(`session ${index} was closed`)))
  })
}

let next = 0
async function openInTurn(): Promise<void> {
  while (next < sessions) await openSession(next++)
}
process.stdin.resume()
process.stdin.once('end', () => process.exit(0))
await Promise.all(Array.from({ length: Math.min(openedAtOnce, sessions) }, openInTurn))
process.stdout.write('ready\n')
