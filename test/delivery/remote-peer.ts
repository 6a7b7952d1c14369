// A remote SMTP server that answers as a test tells it to, and remembers what it was sent.

import type { AddressInfo } from 'node:net'
import { createServer, type Server, type Socket } from 'node:net'

export interface ReceivedMessage {
  readonly reversePath: string
  readonly forwardPaths: readonly string[]
  readonly mailData: string
}

/**
 * What the peer answers instead of what a willing server would; undefined: the willing answer; 'close' cuts; 'silence'
 * says nothing, nor to anything behind it, before the test writes the answer.
 */
export type Script = (command: string, session: PeerSession) => string | undefined

export interface PeerSession {
  /** 1 for the first connection to this peer. */
  readonly connection: number
  readonly clientAddress: string
  /** As it said last. */
  heloName: string
  /** Transactions begun on this connection, with the present one. */
  transactions: number
  /** Of the open transaction. */
  reversePath: string | undefined
  forwardPaths: string[]
}

export interface RemotePeer {
  readonly port: number
  readonly address: string
  readonly messages: ReceivedMessage[]
  /** Of each message: who sent it. */
  readonly origins: Pick<PeerSession, 'clientAddress' | 'heloName'>[]
  readonly commands: string[]
  connections: number
  /** Those that are open now; a script that is asked '(connect)' does not count that one. */
  readonly open: number
  /** The address of each. */
  readonly clients: string[]
  /** Connections at one time on which there were transactions to come: after QUIT there are none. */
  mostOpen: number
  script: Script
  extensions: string[]
  /** Resolves when so many commands that start with `verb`, or '(end of data)', have come since it was started. */
  seen(verb: string, times?: number): Promise<void>
  /** On every connection on which a script keeps an answer back; others are not that far. */
  answer(reply: string): void
  /** On every open connection, unasked. */
  say(reply: string): void
  close(): Promise<void>
}

export interface PeerOptions {
  readonly address?: string
  readonly port?: number
  readonly script?: Script
  readonly extensions?: string[]
}

export async function startPeer(options: PeerOptions = {}): Promise<RemotePeer> {
  const sessions = new Map<Socket, Voice>()
  const waiting: { verb: string; resolve: () => void }[] = []
  const said: string[] = []
  const server: Server = createServer({ noDelay: true }, socket => {
    socket.on('error', () => {})
    const note = (command: string): void => {
      said.push(command)
      for (const entry of waiting) if (isOf(command, entry.verb)) entry.resolve()
    }
    socket.on('close', () => {
      sessions.delete(socket)
      note('(closed)')
    })
    const voice = serve(socket, peer, command => {
      if (isOf(command, 'QUIT')) sessions.delete(socket)
      // Not when they are made: a QUIT may be read after the connection that takes its place.
      if (isOf(command, 'MAIL')) peer.mostOpen = Math.max(peer.mostOpen, sessions.size)
      note(command)
    })
    sessions.set(socket, voice)
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
    origins: [],
    commands: [],
    connections: 0,
    get open() {
      return sessions.size
    },
    clients: [],
    mostOpen: 0,
    script: options.script ?? (() => undefined),
    extensions: options.extensions ?? ['PIPELINING', '8BITMIME', 'SMTPUTF8', 'ENHANCEDSTATUSCODES'],
    async seen(verb, times = 1) {
      while (said.filter(command => isOf(command, verb)).length < times)
        await new Promise<void>(resolve => waiting.push({ verb, resolve }))
    },
    answer(reply) {
      for (const voice of sessions.values()) voice.answer(reply)
    },
    say(reply) {
      for (const voice of sessions.values()) voice.say(reply)
    },
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        for (const socket of sessions.keys()) socket.destroy()
      }),
  }
  return peer
}

function isOf(command: string, verb: string): boolean {
  return command.toUpperCase().startsWith(verb.toUpperCase())
}

/** What a test can make the peer say on one connection. */
interface Voice {
  /** Ends a silence. */
  answer(reply: string): void
  say(reply: string): void
}

function serve(socket: Socket, peer: RemotePeer, seen: (command: string) => void): Voice {
  const session: PeerSession = {
    connection: ++peer.connections,
    clientAddress: socket.remoteAddress ?? '',
    heloName: '',
    transactions: 0,
    reversePath: undefined,
    forwardPaths: [],
  }
  peer.clients.push(session.clientAddress)
  let buffered = ''
  let inData = false
  /** What an answer means to the peer itself, kept until it is given. */
  const silence: { ends?: ((reply: string) => void) | undefined } = {}
  const say = (reply: string): void => {
    socket.write(`${reply}\r\n`, 'latin1')
    // RFC 5321 §3.8: after 421 the server closes.
    if (reply.startsWith('421')) socket.end()
  }
  const answer = (command: string, willing: string, then: (reply: string) => void = () => {}): void => {
    const scripted = peer.script(command, session)
    if (scripted === 'close') socket.destroy()
    else if (scripted === 'silence') silence.ends = then
    else {
      say(scripted ?? willing)
      then(scripted ?? willing)
    }
  }
  answer('(connect)', '220 peer.example ESMTP')
  socket.on('data', chunk => {
    buffered += chunk.toString('latin1')
    read()
  })
  return {
    say,
    answer(reply) {
      const { ends } = silence
      if (!ends) return
      silence.ends = undefined
      say(reply)
      ends(reply)
      read()
    },
  }

  function read(): void {
    while (!socket.destroyed && !socket.writableEnded && !silence.ends) {
      if (inData && buffered.startsWith('.\r\n')) {
        buffered = buffered.slice(3)
        endOfData('')
        continue
      }
      const end = buffered.indexOf(inData ? '\r\n.\r\n' : '\r\n')
      if (end < 0) return
      const text = buffered.slice(0, end)
      buffered = buffered.slice(end + (inData ? 5 : 2))
      if (inData) endOfData(`${text}\r\n`)
      else command(text)
    }
  }

  function endOfData(stuffed: string): void {
    inData = false
    const { reversePath = '', forwardPaths, clientAddress, heloName } = session
    session.reversePath = undefined
    answer('(end of data)', '250 2.0.0 Ok: queued as PEER', reply => {
      if (!reply.startsWith('2')) return
      peer.messages.push({ reversePath, forwardPaths, mailData: stuffed.replaceAll('\r\n..', '\r\n.') })
      peer.origins.push({ clientAddress, heloName })
    })
    seen('(end of data)')
  }

  function command(line: string): void {
    peer.commands.push(line)
    const verb = line.toUpperCase()
    if (/^(EHLO|HELO) /.test(verb)) session.heloName = line.slice(5)
    if (verb.startsWith('EHLO')) answer(line, ehloReply(peer.extensions))
    else if (verb.startsWith('HELO')) answer(line, '250 peer.example')
    else if (verb.startsWith('MAIL FROM:')) {
      session.transactions++
      session.forwardPaths = []
      answer(line, '250 2.1.0 Ok', reply => {
        session.reversePath = reply.startsWith('2') ? pathIn(line) : undefined
      })
    } else if (verb.startsWith('RCPT TO:')) {
      const willing = session.reversePath === undefined ? '503 5.5.1 MAIL first' : '250 2.1.5 Ok'
      answer(line, willing, reply => {
        if (reply.startsWith('2')) session.forwardPaths.push(pathIn(line))
      })
    } else if (verb === 'DATA') {
      const willing = session.forwardPaths.length > 0 ? '354 Go on' : '554 5.5.1 No valid recipients'
      answer(line, willing, reply => {
        inData = reply.startsWith('354')
      })
    } else if (verb === 'RSET') {
      session.reversePath = undefined
      session.forwardPaths = []
      answer(line, '250 2.0.0 Ok')
    } else if (verb === 'QUIT') {
      answer(line, '221 2.0.0 Bye', () => socket.end())
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
