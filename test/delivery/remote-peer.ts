// A remote SMTP server that answers as a test tells it to, and remembers what it was sent.

import type { AddressInfo } from 'node:net'
import { createServer, type Server, type Socket } from 'node:net'

export interface ReceivedMessage {
  readonly reversePath: string
  readonly forwardPaths: readonly string[]
  readonly mailData: string
}

/** What the peer answers instead of what a willing server would; undefined: the willing answer; 'close': cuts. */
export type Script = (command: string, session: PeerSession) => string | undefined | 'close' | 'silence'

export interface PeerSession {
  /** 1 for the first connection to this peer. */
  readonly connection: number
  /** Transactions begun on this connection, with the present one. */
  transactions: number
  reversePath: string
  forwardPaths: string[]
}

export interface RemotePeer {
  readonly port: number
  readonly address: string
  readonly messages: ReceivedMessage[]
  readonly commands: string[]
  connections: number
  /** Connections that were open at one time. */
  mostOpen: number
  script: Script
  extensions: string[]
  /** Resolves when a command that starts with `verb` has come, also one that came before. */
  seen(verb: string): Promise<void>
  /** To every open connection: what a script kept back. */
  write(text: string): void
  close(): Promise<void>
}

export interface PeerOptions {
  readonly address?: string
  readonly port?: number
  readonly script?: Script
  readonly extensions?: string[]
}

export async function startPeer(options: PeerOptions = {}): Promise<RemotePeer> {
  const sockets = new Set<Socket>()
  const waiting: { verb: string; resolve: () => void }[] = []
  const server: Server = createServer(socket => {
    sockets.add(socket)
    peer.mostOpen = Math.max(peer.mostOpen, sockets.size)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    serve(socket, peer, command => {
      for (const entry of waiting) if (command.toUpperCase().startsWith(entry.verb)) entry.resolve()
    })
  })
  const address = options.address ?? '127.0.0.1'
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, address, resolve)
  })
  const peer: RemotePeer = {
    port: (server.address() as AddressInfo).port,
    address,
    messages: [],
    commands: [],
    connections: 0,
    mostOpen: 0,
    script: options.script ?? (() => undefined),
    extensions: options.extensions ?? ['PIPELINING', '8BITMIME', 'SMTPUTF8', 'ENHANCEDSTATUSCODES'],
    seen: verb =>
      peer.commands.some(command => command.toUpperCase().startsWith(verb))
        ? Promise.resolve()
        : new Promise(resolve => waiting.push({ verb, resolve })),
    write(text) {
      for (const socket of sockets) socket.write(text)
    },
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
  return peer
}

function serve(socket: Socket, peer: RemotePeer, seen: (command: string) => void): void {
  const session: PeerSession = {
    connection: ++peer.connections,
    transactions: 0,
    reversePath: '',
    forwardPaths: [],
  }
  let buffered = ''
  let inData = false
  const answer = (command: string, willing: string): string | undefined => {
    const scripted = peer.script(command, session)
    if (scripted === 'close') {
      socket.destroy()
      return undefined
    }
    if (scripted === 'silence') return undefined
    const reply = scripted ?? willing
    socket.write(`${reply}\r\n`, 'latin1')
    return reply
  }
  answer('(connect)', '220 peer.example ESMTP')
  socket.on('data', chunk => {
    buffered += chunk.toString('latin1')
    while (!socket.destroyed) {
      const end = buffered.indexOf(inData ? '\r\n.\r\n' : '\r\n')
      if (inData && buffered.startsWith('.\r\n')) {
        buffered = buffered.slice(3)
        endOfData('')
        continue
      }
      if (end < 0) return
      const text = buffered.slice(0, end)
      buffered = buffered.slice(end + (inData ? 5 : 2))
      if (inData) endOfData(`${text}\r\n`)
      else command(text)
    }
  })

  function endOfData(stuffed: string): void {
    inData = false
    const { reversePath, forwardPaths } = session
    const reply = answer('(end of data)', '250 2.0.0 Ok: queued as PEER')
    if (reply?.startsWith('2')) {
      peer.messages.push({ reversePath, forwardPaths, mailData: stuffed.replaceAll('\r\n..', '\r\n.') })
    }
    session.forwardPaths = []
  }

  function command(line: string): void {
    peer.commands.push(line)
    const verb = line.toUpperCase()
    if (verb.startsWith('EHLO')) answer(line, ehloReply(peer.extensions))
    else if (verb.startsWith('HELO')) answer(line, '250 peer.example')
    else if (verb.startsWith('MAIL FROM:')) {
      session.transactions++
      session.reversePath = pathIn(line)
      session.forwardPaths = []
      answer(line, '250 2.1.0 Ok')
    } else if (verb.startsWith('RCPT TO:')) {
      if (answer(line, '250 2.1.5 Ok')?.startsWith('2')) session.forwardPaths.push(pathIn(line))
    } else if (verb === 'DATA') {
      const reply = answer(
        line,
        session.forwardPaths.length > 0 ? '354 Go on' : '554 5.5.1 No valid recipients',
      )
      inData = reply?.startsWith('354') ?? false
    } else if (verb === 'RSET') {
      session.forwardPaths = []
      answer(line, '250 2.0.0 Ok')
    } else if (verb === 'QUIT') {
      answer(line, '221 2.0.0 Bye')
      socket.end()
    } else answer(line, '500 5.5.2 Unknown command')
    seen(line)
  }
}

function ehloReply(extensions: readonly string[]): string {
  const lines = ['peer.example', ...extensions]
  return lines.map((line, index) => `250${index === lines.length - 1 ? ' ' : '-'}${line}`).join('\r\n')
}

function pathIn(line: string): string {
  return line.slice(line.indexOf('<') + 1, line.lastIndexOf('>'))
}
