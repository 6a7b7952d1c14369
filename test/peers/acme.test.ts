// An authority that we did not write (Pebble, of Let's Encrypt) issues certificates to the server as it is run: by each of the
// three proofs, and anew while somebody is connected.
import assert from 'node:assert/strict'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { eventually } from '../harness/eventually.ts'
import { type Pebble, startPebble } from '../harness/pebble.ts'
import { missing } from '../harness/programs.ts'
import {
  createServerFolder,
  type ServerFolder,
  type ServerProcess,
  startServer,
} from '../harness/server-process.ts'

const hostname = 'mail.example.test'
const skip = missing('pebble', 'pebble-challtestsrv', 'curl')

let pebble: Pebble
let root: string
const running: { readonly at: ServerFolder; readonly server: ServerProcess }[] = []

before(async () => {
  if (skip) return
  pebble = await startPebble()
  root = await pebble.root()
})

after(async () => {
  for (const { at, server } of running) {
    await server.stop()
    await at.remove()
  }
  await pebble?.stop()
})

async function startWith(lines: readonly string[], hook?: string): Promise<(typeof running)[number]> {
  const at = await createServerFolder({
    tables: [
      '[tls.acme]',
      'agreeToTerms = true',
      'contact = ["admin@example.test"]',
      `directory = "${pebble.directory}"`,
      `caFile = "${pebble.caFile}"`,
      'address = "127.0.0.1"',
      ...lines,
      '[threads]',
      'front = 1',
    ].join('\n'),
  })
  if (hook !== undefined) {
    await writeFile(join(at.folder, 'hook'), hook)
    await chmod(join(at.folder, 'hook'), 0o755)
  }
  const one = { at, server: await startServer(at) }
  running.push(one)
  return one
}

/** Resolves when who trusts nobody but Pebble trusts the server under this name. */
async function trustedAs(servername: string, server: ServerProcess): Promise<TLSSocket> {
  return await eventually(
    `a certificate of the authority for ${servername}`,
    () =>
      new Promise(resolve => {
        const socket = connect({
          host: '127.0.0.1',
          port: server.port('submissions'),
          servername,
          ca: root,
        })
        socket.once('secureConnect', () => resolve(socket))
        socket.once('error', () => resolve(undefined))
      }),
  )
}

const serialOf = (socket: TLSSocket): string => socket.getPeerCertificate().serialNumber
const keyOf = (socket: TLSSocket): string => socket.getPeerCertificate().pubkey?.toString('hex') ?? ''

describe('Pebble issues', { skip, concurrency: true }, () => {
  test('by http-01, and once more when asked to, for the same key; who is connected stays so', async () => {
    const { at, server } = await startWith([`port = ${pebble.ports['http-01']}`])
    const first = await trustedAs(hostname, server)
    first.setEncoding('utf8')
    assert.match(String(await anyOf(first)), /^220 /)
    const published = await at.postrider('certificate', 'tlsa')
    await at.postrider('certificate', 'renew')
    const second = await eventually('another certificate', async () => {
      const socket = await trustedAs(hostname, server)
      if (serialOf(socket) !== serialOf(first)) return socket
      socket.destroy()
      return undefined
    })
    assert.equal(keyOf(second), keyOf(first))
    assert.equal(await at.postrider('certificate', 'tlsa'), published)
    first.write('NOOP\r\n')
    assert.match(String(await anyOf(first)), /^250 /)
    for (const socket of [first, second]) socket.destroy()
  })

  test('by tls-alpn-01, for two names', async () => {
    const { server } = await startWith([
      'challenge = "tls-alpn-01"',
      `port = ${pebble.ports['tls-alpn-01']}`,
      `names = ["${hostname}", "mail.example.org"]`,
    ])
    const sockets = [await trustedAs(hostname, server), await trustedAs('mail.example.org', server)]
    assert.equal(new Set(sockets.map(serialOf)).size, 2)
    for (const socket of sockets) socket.destroy()
  })

  test('by dns-01 with a hook, for all names of a domain', async () => {
    const hook = [
      '#!/bin/sh',
      `case "$1" in add) call=set-txt ;; *) call=clear-txt ;; esac`,
      `exec curl -fsS -d "{\\"host\\":\\"$2.\\",\\"value\\":\\"$3\\"}" ${pebble.dnsManagement}/$call`,
      '',
    ].join('\n')
    const { server } = await startWith(
      ['challenge = "dns-01"', 'names = ["*.example.test"]', 'hook = ["./hook"]'],
      hook,
    )
    const socket = await trustedAs(hostname, server)
    assert.equal(socket.getPeerCertificate().subjectaltname, 'DNS:*.example.test')
    socket.destroy()
  })
})

async function anyOf(socket: TLSSocket): Promise<unknown> {
  return await new Promise(resolve => {
    socket.once('data', resolve)
  })
}
