// Logging in over SMTP by hand.
import type { ConnectionOptions } from 'node:tls'
import type { RawConnection } from './raw-connection.ts'
import { openConnection } from './raw-connection.ts'
import { createScramClient, type ScramClientOptions } from './scram-client.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')

/** Greeted, and after EHLO. */
export async function openSession(port: number, from?: string): Promise<RawConnection> {
  const connection = await openConnection(port, '127.0.0.1', from)
  await connection.reply()
  await connection.command('EHLO client.example.org')
  return connection
}

/** The same over TLS, after STARTTLS and a second EHLO; with a certificate, where the options have one. */
export async function openTlsSession(port: number, options?: ConnectionOptions): Promise<RawConnection> {
  const connection = await openSession(port)
  await connection.command('STARTTLS')
  await connection.startTls(options)
  await connection.command('EHLO client.example.org')
  return connection
}

/** The code of the reply; undefined: the server has closed the connection. */
export async function logInPlain(
  connection: RawConnection,
  name: string,
  password: string,
): Promise<number | undefined> {
  return (await connection.command(`AUTH PLAIN ${base64(`\0${name}\0${password}`)}`))?.code
}

export interface ScramLogIn {
  readonly code: number | undefined
  /** As sent: 'r=…,s=…,i=…'. */
  readonly serverFirst: string
  /** The server has shown that it has the keys of this password. */
  readonly provesItself: boolean
}

export async function logInScram(
  connection: RawConnection,
  options: ScramClientOptions,
): Promise<ScramLogIn> {
  const client = createScramClient(options)
  const first = await connection.command(`AUTH SCRAM-${options.hash ?? 'SHA-256'} ${base64(client.first)}`)
  const serverFirst = decode(first?.lines[0])
  if (first?.code !== 334) return { code: first?.code, serverFirst: '', provesItself: false }
  const final = await connection.command(base64(client.answer(serverFirst)))
  if (final?.code !== 334) return { code: final?.code, serverFirst, provesItself: false }
  const provesItself = decode(final.lines[0]) === client.expected
  return { code: (await connection.command(''))?.code, serverFirst, provesItself }
}

function decode(text: string | undefined): string {
  return Buffer.from(text ?? '', 'base64').toString()
}
