// The policy of our domains for TLS (MTA-STS, RFC 8461), as another server fetches it: over HTTPS, with a certificate that the
// authority has issued for the host of the policy without anybody asking for it.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseStsPolicy, readStsId } from '../../src/tls-policy/sts-policy.ts'
import { startAcmeServer } from '../acme/acme-server.ts'
import { eventually } from '../harness/eventually.ts'
import { findFreePort } from '../harness/free-port.ts'
import { createServerFolder, startServer } from '../harness/server-process.ts'

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
}

/** Rejects when the certificate is not the host's. */
function ask(
  port: number,
  servername: string,
  ca: string,
  path = '/.well-known/mta-sts.txt',
  host = servername,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asking = request({ host: '127.0.0.1', port, path, ca, servername, headers: { host } }, response => {
      let body = ''
      response.setEncoding('utf8').on('data', (piece: string) => {
        body += piece
      })
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          type: response.headers['content-type'] ?? '',
          body,
        }),
      )
    })
    asking.on('error', reject)
    asking.end()
  })
}

test('the policy is there for each domain, with a certificate; its id in the DNS records changes with it', async t => {
  const [answerPort, policyPort] = [await findFreePort(), await findFreePort()]
  const authority = await startAcmeServer({
    proofAt: () => ({ address: '127.0.0.1', port: answerPort }),
    now: () => Date.now(),
  })
  t.after(() => authority.close())
  const tablesWith = (mode: string): string => `[tls.acme]
agreeToTerms = true
directory = "${authority.directory}"
caFile = "own-authority.pem"
address = "127.0.0.1"
port = ${answerPort}
[mtaSts]
mode = "${mode}"
maxAgeDays = 7
address = "127.0.0.1"
port = ${policyPort}
[autoconfig]
address = "127.0.0.1"
port = ${policyPort}`
  const at = await createServerFolder({ tables: tablesWith('testing') })
  t.after(() => at.remove())
  writeFileSync(join(at.folder, 'own-authority.pem'), authority.caPem)
  await at.postrider('domain', 'create', 'example.test')
  const server = await startServer(at)
  try {
    const fetched = async (domain: string): Promise<Answer> =>
      await eventually(`the policy of ${domain}`, () =>
        ask(policyPort, `mta-sts.${domain}`, authority.caPem).catch(() => undefined),
      )
    const policy = 'version: STSv1\r\nmode: testing\r\nmx: mail.example.test\r\nmax_age: 604800\r\n'
    assert.deepEqual(await fetched('example.test'), { status: 200, type: 'text/plain', body: policy })
    assert.deepEqual(parseStsPolicy(policy), {
      mode: 'testing',
      maxAgeMs: 604_800_000,
      mx: ['mail.example.test'],
    })
    // A domain that comes later has its certificate without a restart.
    await at.postrider('domain', 'create', 'пример.рф')
    assert.equal((await fetched('xn--e1afmkfd.xn--p1ai')).body, policy)
    await eventually('the other certificates', async () => authority.issued.length >= 7 || undefined)
    assert.deepEqual(
      authority.issued.map(({ name }) => name),
      [
        'mail.example.test',
        ...['example.test', 'xn--e1afmkfd.xn--p1ai'].flatMap(domain => [
          `mta-sts.${domain}`,
          // Where mail programs ask.
          `autoconfig.${domain}`,
          `autodiscover.${domain}`,
        ]),
      ],
    )
    const host = 'mta-sts.example.test'
    assert.equal((await ask(policyPort, host, authority.caPem, '/')).status, 404)
    // What its refusals point to, at its own name alone.
    const page = await ask(policyPort, 'mail.example.test', authority.caPem, '/refused')
    assert.deepEqual([page.status, page.type], [200, 'text/html; charset=utf-8'])
    for (const words of [
      'Why mail.example.test refused a message',
      'Почему сервер mail.example.test не принял письмо',
    ])
      assert.ok(page.body.includes(`<h1>${words}</h1>`), words)
    assert.equal((await ask(policyPort, host, authority.caPem, '/refused')).status, 404)
    const other = await ask(policyPort, host, authority.caPem, undefined, 'mta-sts.example.org')
    assert.equal(other.status, 404)
    // Without TLS there is nothing.
    const plain = connect(policyPort, '127.0.0.1')
    let heard = ''
    plain.setEncoding('latin1').on('data', (piece: string) => {
      heard += piece
    })
    plain.on('error', () => {})
    plain.write('GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: mta-sts.example.test\r\n\r\n')
    await new Promise(resolve => plain.once('close', resolve))
    assert.doesNotMatch(heard, /STSv1/)

    const idOf = async (): Promise<string | undefined> => {
      const records = JSON.parse(await at.postrider('domain', 'dns', 'example.test', '--json')) as readonly {
        readonly name: string
        readonly type: string
        readonly value: string
      }[]
      const valueOf = (name: string): string => records.find(record => record.name === name)?.value ?? ''
      assert.equal(valueOf(host), 'mail.example.test.')
      return readStsId([valueOf('_mta-sts.example.test').replaceAll('"', '')])
    }
    const before = await idOf()
    assert.match(before ?? '', /^[0-9a-f]{20}$/)
    const text = readFileSync(at.settingsFile, 'utf8')
    writeFileSync(at.settingsFile, text.replace('mode = "testing"', 'mode = "enforce"'))
    const after = await idOf()
    assert.match(after ?? '', /^[0-9a-f]{20}$/)
    assert.notEqual(after, before)
  } finally {
    assert.equal(await server.stop(), 0)
  }
})
