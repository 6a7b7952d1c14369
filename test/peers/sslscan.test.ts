// What a scanner that we did not write finds of TLS on the three ports: 1.2 and 1.3, forward secrecy, nothing weak.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { missing, runProgram } from '../harness/programs.ts'
import {
  createServerFolder,
  type ServerFolder,
  type ServerProcess,
  startServer,
} from '../harness/server-process.ts'

let at: ServerFolder
let server: ServerProcess

before(async () => {
  at = await createServerFolder()
  server = await startServer(at)
})

after(async () => {
  await server?.stop()
  await at.remove()
})

const scans = [
  ['relay', ['--starttls-smtp']],
  ['submission', ['--starttls-smtp']],
  ['submissions', []],
] as const

for (const [role, options] of scans) {
  test(`sslscan, ${role}`, { skip: missing('sslscan') }, async () => {
    const { exitCode, stdout } = await runProgram([
      'sslscan',
      '--no-colour',
      '--xml=-',
      '--show-times',
      ...options,
      `127.0.0.1:${server.port(role)}`,
    ])
    assert.equal(exitCode, 0, stdout)
    const elements = [
      ...stdout.matchAll(
        /<(protocol|cipher|group|heartbleed|renegotiation|compression|fallback) ([^>]*?)\s*\/?>/g,
      ),
    ]
    const all = (name: string): Record<string, string>[] =>
      elements
        .filter(([, element]) => element === name)
        .map(([, , attributes = '']) =>
          Object.fromEntries(
            [...attributes.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key, value]),
          ),
        )
    const protocols = all('protocol')
      .filter(({ enabled }) => enabled === '1')
      .map(({ type, version }) => `${type} ${version}`)
    assert.deepEqual(protocols.sort(), ['tls 1.2', 'tls 1.3'])
    const ciphers = all('cipher')
    assert.ok(ciphers.length >= 5, stdout)
    for (const { sslversion = '', cipher = '', bits, strength } of ciphers) {
      assert.match(sslversion, /^TLSv1\.[23]$/)
      // Forward secrecy: those of 1.3 have no other kind.
      assert.match(cipher, sslversion === 'TLSv1.3' ? /^TLS_/ : /^ECDHE-.*(GCM|POLY1305)/)
      assert.ok(Number(bits) >= 128, cipher)
      assert.match(strength ?? '', /^(strong|acceptable)$/, cipher)
    }
    for (const { vulnerable } of all('heartbleed')) assert.equal(vulnerable, '0')
    for (const { secure, supported } of all('renegotiation'))
      assert.ok(supported === '0' || secure === '1', stdout)
    for (const { supported } of all('compression')) assert.equal(supported, '0')
  })
}
