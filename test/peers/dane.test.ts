// DANE as it goes with others' programs: a real Postfix, whose TLSA records stand in a zone that BIND signs, serves and
// validates. Right, wrong and forged records: delivered, refused here, and deferred.
import assert from 'node:assert/strict'
import { createHash, randomInt } from 'node:crypto'
import { chmod, chown, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { issueCertificate } from '../harness/certificates.ts'
import { eventually } from '../harness/eventually.ts'
import { countQueue, createAccount } from '../harness/mailboxes.ts'
import { missingPostfix, type Postfix, startPostfix } from '../harness/postfix.ts'
import {
  createServerFolder,
  type ServerFolder,
  type ServerProcess,
  startServer,
} from '../harness/server-process.ts'
import { missingSignedDns, type SignedDns, startSignedDns } from '../harness/signed-dns.ts'

const anna = 'anna@example.test'
const zone = 'signed.test'

// An address that nobody else has: all of 127.0.0.0/8 is this machine.
const postfixAddress = `127.${randomInt(1, 255)}.${randomInt(255)}.20`
const nobody = 65_534

const skip = missingPostfix() || missingSignedDns()

const kinds = ['right', 'wrong', 'forged'] as const
type Kind = (typeof kinds)[number]

describe('DANE with a real Postfix and a zone that BIND signs', { skip }, () => {
  let dns: SignedDns
  let at: ServerFolder
  let server: ServerProcess
  let postfix: Postfix
  let postfixMail: string

  before(async () => {
    // Nobody but the DNS says that this is the right one: it is signed by itself, and for another name.
    const own = await issueCertificate(undefined, ['localhost'])
    const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
    const key = hash(own.x509.publicKey.export({ type: 'spki', format: 'der' }))
    const other = hash(Buffer.from('another key'))
    const tlsa = { right: key, wrong: other, forged: other } satisfies Record<Kind, string>
    dns = await startSignedDns({
      zone,
      records: kinds.flatMap(kind => [
        `${kind}.${zone}. MX 10 mx-${kind}.${zone}.`,
        `mx-${kind}.${zone}. A ${postfixAddress}`,
        `_25._tcp.mx-${kind}.${zone}. TLSA 3 1 1 ${tlsa[kind]}`,
      ]),
      // The attacker would have us believe in the key that the server really has; but cannot sign.
      forge: text =>
        text
          .split('\n')
          .map(line =>
            line.startsWith(`_25._tcp.mx-forged.${zone}.`) && /\sTLSA\s+3 1 1/.test(line)
              ? line.replace(/3 1 1 .*/, `3 1 1 ${key}`)
              : line,
          )
          .join('\n'),
    })
    postfixMail = await mkdtemp(join(tmpdir(), 'postfix-mail-'))
    await chmod(postfixMail, 0o755)
    await chown(postfixMail, nobody, nobody)
    await writeFile(join(postfixMail, 'cert.pem'), own.certificate)
    await writeFile(join(postfixMail, 'key.pem'), own.key, { mode: 0o600 })
    postfix = await startPostfix({
      hostname: `mx.${zone}`,
      address: postfixAddress,
      port: 25,
      log: true,
      settings: {
        smtpd_tls_security_level: 'may',
        smtpd_tls_cert_file: join(postfixMail, 'cert.pem'),
        smtpd_tls_key_file: join(postfixMail, 'key.pem'),
        smtpd_relay_restrictions: 'reject_unauth_destination',
        virtual_mailbox_domains: kinds.map(kind => `${kind}.${zone}`).join(', '),
        virtual_mailbox_maps: 'static:box/',
        virtual_mailbox_base: postfixMail,
        virtual_minimum_uid: '1',
        virtual_uid_maps: `static:${nobody}`,
        virtual_gid_maps: `static:${nobody}`,
      },
    })
    at = await createServerFolder({
      settings: 'localNetworks = ["127.0.0.0/8"]',
      tables: `[delivery]\ndnsServers = ["${dns.text}"]\nipv6 = false`,
    })
    await createAccount(at, anna, 'correct-horse-battery-staple')
    server = await startServer(at)
  })

  after(async () => {
    await server?.kill()
    await postfix?.stop()
    await at?.remove()
    await dns?.close()
    if (postfixMail) await rm(postfixMail, { recursive: true, force: true })
  })

  const readMail = async (): Promise<string[]> => {
    const folder = join(postfixMail, 'box', 'new')
    const names = await readdir(folder).catch(() => [])
    return Promise.all(names.map(name => readFile(join(folder, name), 'utf8')))
  }

  /** Sends a message, and returns what the trail says of the first attempt. */
  const send = async (kind: Kind): Promise<string> => {
    const sent = await at.postrider('send', '--from', anna, '--to', `bob@${kind}.${zone}`, '--subject', kind)
    const id = /queued as ([0-9A-Z]{11})/.exec(sent)?.[1]
    assert.ok(id, sent)
    return await eventually('an attempt', async () => {
      const trail = await at.postrider('trace', id, '--dialogue')
      return /Handed to|Not delivered yet|Failed for/.test(trail) ? trail : undefined
    })
  }

  test('the right TLSA record: delivered, and the trail says why it was safe', async t => {
    const trail = await send('right')
    t.diagnostic(trail)
    assert.match(trail, /Handed to mx-right\.signed\.test .*encrypted with TLSv1\.[23]/)
    assert.match(trail, /the certificate of mx-right\.signed\.test is as its DNS demands \(DANE\)/)
    const [mail = ''] = await eventually('the message at Postfix', async () => {
      const messages = await readMail()
      return messages.length > 0 ? messages : undefined
    })
    assert.match(mail, /^Subject: right$/m)
    assert.equal(await countQueue(at), 0)
  })

  test('a wrong TLSA record: nothing is said after STARTTLS, and the message waits', async t => {
    const trail = await send('wrong')
    t.diagnostic(trail)
    assert.match(trail, /Not delivered yet .*fits none of its TLSA records/)
    assert.doesNotMatch(trail, /C: MAIL/)
    assert.equal(await countQueue(at), 1)
  })

  test('a forged TLSA record: the server is not even connected to, and the message waits', async t => {
    const trail = await send('forged')
    t.diagnostic(trail)
    assert.match(trail, /Not delivered yet .*the TLSA records of mx-forged\.signed\.test are not to be had/)
    assert.doesNotMatch(trail, /connecting to mx-forged/)
    assert.equal(await countQueue(at), 2)
    assert.equal((await readMail()).length, 1)
  })
})
