// A server that answers greeting and EHLO and does nothing else: what a session costs Node and the kernel anyway.
// Argument: port.
import { createServer } from 'node:net'

const port = Number(process.argv[2])
createServer(socket => {
  socket.write('220 bare.example.test\r\n')
  socket.on('data', () => socket.write('250 bare.example.test\r\n'))
  socket.on('error', () => socket.destroy())
}).listen({ port, host: '127.0.0.1', backlog: 4096 })
