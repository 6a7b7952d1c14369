// How mail programs find this server: asked over HTTPS as Thunderbird, Outlook and Apple's programs ask, on the port of the MTA-STS
// policy too. Nobody learns which addresses there are.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { type RequestOptions, request } from 'node:https'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { assert as assertProperty, property, string } from 'fast-check'
import { parseOutlookRequest } from '../../src/autoconfig/outlook-request.ts'
import { issueCertificate, makeAuthority } from '../harness/certificates.ts'
import { findFreePort } from '../harness/free-port.ts'
import { createAccount } from '../harness/mailboxes.ts'
import { missing, runProgram } from '../harness/programs.ts'
import {
  createServerFolder,
  type ServerFolder,
  type ServerProcess,
  startServer,
} from '../harness/server-process.ts'

const idn = 'xn--e1afmkfd.xn--p1ai'
const hosts = [
  'mail.example.test',
  ...['example.test', idn].flatMap(domain => [
    `autoconfig.${domain}`,
    `autodiscover.${domain}`,
    `mta-sts.${domain}`,
  ]),
]

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
}

let at: ServerFolder
let server: ServerProcess
let port: number
let ca: string

before(async () => {
  port = await findFreePort()
  at = await createServerFolder({
    settings: 'tls.certificateFile = "chain.pem"\ntls.keyFile = "key.pem"',
    listeners: ['relay', 'submission', 'submissions', 'imap', 'imaps'].map(role => ({
      role,
      address: '127.0.0.1',
      port: 0,
    })),
    tables: ['mtaSts', 'autoconfig']
      .map(table => `[${table}]\naddress = "127.0.0.1"\nport = ${port}`)
      .join('\n'),
  })
  const authority = await makeAuthority('an authority')
  ca = authority.certificate
  const { certificate, key } = await issueCertificate(authority, hosts)
  writeFileSync(join(at.folder, 'chain.pem'), certificate)
  writeFileSync(join(at.folder, 'key.pem'), key)
  await createAccount(at, 'anna@example.test', 'correct horse battery staple')
  await at.postrider('domain', 'create', 'пример.рф')
  server = await startServer(at)
})

after(async () => {
  await server?.stop()
  await at.remove()
})

/** Rejects when the certificate is not the host's. */
function ask(
  host: string,
  path: string,
  { posted, ...options }: RequestOptions & { readonly posted?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asking = request(
      {
        host: '127.0.0.1',
        port,
        path,
        ca,
        servername: host,
        headers: { host },
        method: posted === undefined ? 'GET' : 'POST',
        ...options,
      },
      response => {
        let body = ''
        response.setEncoding('utf8').on('data', (piece: string) => {
          body += piece
        })
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, type: response.headers['content-type'] ?? '', body }),
        )
      },
    )
    asking.on('error', reject)
    asking.end(posted)
  })
}

/** Element → text, in the order of the document. */
function elements(xml: string): string[] {
  return [...xml.matchAll(/<([A-Za-z]+)[^<>]*>([^<>]+)<\/\1>/g)].map(([, name, value]) => `${name} ${value}`)
}

describe('Thunderbird', () => {
  const servers = (): string[][] =>
    (
      [
        ['imaps', 'SSL'],
        ['imap', 'STARTTLS'],
        ['submissions', 'SSL'],
        ['submission', 'STARTTLS'],
      ] as const
    ).map(([role, socketType]) => [
      'hostname mail.example.test',
      `port ${server.port(role)}`,
      `socketType ${socketType}`,
      'authentication password-cleartext',
      'username %EMAILADDRESS%',
    ])

  it('is told of every listener for mail programs, at both places', async () => {
    for (const [host, path] of [
      ['autoconfig.example.test', '/mail/config-v1.1.xml?emailaddress=anna%40example.test'],
      ['mail.example.test', '/.well-known/autoconfig/mail/config-v1.1.xml?emailaddress=anna%40example.test'],
      ['autoconfig.example.test', '/mail/config-v1.1.xml'],
    ] as const) {
      const { status, type, body } = await ask(host, path)
      assert.deepEqual([status, type], [200, 'text/xml; charset=utf-8'])
      assert.deepEqual(elements(body), [
        'domain example.test',
        'displayName example.test',
        'displayShortName example.test',
        ...servers().flat(),
      ])
      assert.equal(body.match(/<incomingServer type="imap">/g)?.length, 2)
      assert.equal(body.match(/<outgoingServer type="smtp">/g)?.length, 2)
    }
  })

  it('is told of a domain of other letters, however it is written', async () => {
    for (const domain of [idn, 'пример.рф']) {
      const path = `/mail/config-v1.1.xml?emailaddress=${encodeURIComponent(`анна@${domain}`)}`
      const { status, body } = await ask(`autoconfig.${idn}`, path)
      assert.equal(status, 200)
      assert.deepEqual(elements(body).slice(0, 2), [`domain ${idn}`, 'displayName пример.рф'])
    }
  })

  it('hears the same for an address that is there and one that is not, and nothing for other domains', async () => {
    const about = async (address: string): Promise<Answer> =>
      await ask(
        'autoconfig.example.test',
        `/mail/config-v1.1.xml?emailaddress=${encodeURIComponent(address)}`,
      )
    assert.deepEqual(await about('nobody@example.test'), await about('anna@example.test'))
    for (const address of ['anna@example.org', 'anna', '', 'anna@example.test\r\nX: y', '%EMAILADDRESS%'])
      assert.equal((await about(address)).status, 404, address)
    assert.equal((await ask('mail.example.test', '/mail/config-v1.1.xml')).status, 404)
  })
})

describe('Outlook', () => {
  const path = '/autodiscover/autodiscover.xml'
  const requestFor = (address: string, schema = 'outlook/responseschema/2006a'): string =>
    `<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006">
  <Request>
    <EMailAddress>${address}</EMailAddress>
    <AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/${schema}</AcceptableResponseSchema>
  </Request>
</Autodiscover>`

  it('is told of every listener for mail programs, with the address as the login', async () => {
    for (const spelled of [path, '/Autodiscover/Autodiscover.xml']) {
      const { status, type, body } = await ask('autodiscover.example.test', spelled, {
        posted: requestFor('anna@example.test'),
      })
      assert.deepEqual([status, type], [200, 'text/xml; charset=utf-8'])
      const found = elements(body)
      const of = (name: string): string[] => found.filter(element => element.startsWith(`${name} `))
      assert.deepEqual(of('Type'), ['Type IMAP', 'Type IMAP', 'Type SMTP', 'Type SMTP'])
      assert.deepEqual(
        of('Port'),
        (['imaps', 'imap', 'submissions', 'submission'] as const).map(role => `Port ${server.port(role)}`),
      )
      assert.deepEqual(of('SSL'), ['SSL on', 'SSL off', 'SSL on', 'SSL off'])
      assert.deepEqual(of('Encryption'), [
        'Encryption SSL',
        'Encryption TLS',
        'Encryption SSL',
        'Encryption TLS',
      ])
      assert.deepEqual(new Set(of('LoginName')), new Set(['LoginName anna@example.test']))
      assert.deepEqual(new Set(of('Server')), new Set(['Server mail.example.test']))
    }
  })

  it('gets the error of its protocol for what is no request, for phones that want ActiveSync, for other domains', async () => {
    const codeFor = async (posted: string): Promise<string | undefined> => {
      const { status, body } = await ask('autodiscover.example.test', path, { posted })
      assert.equal(status, 200)
      return elements(body).find(element => element.startsWith('ErrorCode '))
    }
    assert.equal(await codeFor(''), 'ErrorCode 600')
    assert.equal(await codeFor('<Autodiscover><Request>'), 'ErrorCode 600')
    assert.equal(await codeFor(requestFor('&lol;@example.test')), 'ErrorCode 600')
    const exploding =
      '<!DOCTYPE a [<!ENTITY lol "lol">]><a><EMailAddress>anna@example.test</EMailAddress></a>'
    assert.equal(await codeFor(exploding), 'ErrorCode 600')
    assert.equal(await codeFor('<a>'.repeat(5000)), 'ErrorCode 600')
    const mobile = requestFor('anna@example.test', 'mobilesync/responseschema/2006')
    assert.equal(await codeFor(mobile), 'ErrorCode 601')
    assert.equal(await codeFor(requestFor('anna@example.org')), 'ErrorCode 500')
    const bodyFor = async (address: string): Promise<string> =>
      (await ask('autodiscover.example.test', path, { posted: requestFor(address) })).body
    assert.equal(
      (await bodyFor('nobody@example.test')).replaceAll('nobody', 'anna'),
      await bodyFor('anna@example.test'),
    )
  })

  it('is told where that is', async () => {
    for (const where of [
      '/autodiscover/autodiscover.json?Email=anna%40example.test&Protocol=AutodiscoverV1',
      '/autodiscover/autodiscover.json/v1.0/anna@example.test?Protocol=AutodiscoverV1',
    ]) {
      const { status, body } = await ask('autodiscover.example.test', where)
      assert.equal(status, 200)
      assert.deepEqual(JSON.parse(body), {
        Protocol: 'AutodiscoverV1',
        Url: `https://mail.example.test${path}`,
      })
    }
    const other = await ask('autodiscover.example.test', '/autodiscover/autodiscover.json?Protocol=Ews')
    assert.equal(other.status, 404)
    assert.match(other.body, /"ErrorCode":"ProtocolNotSupported"/)
  })

  it('may send a request, and not a flood', async () => {
    const { status } = await ask('autodiscover.example.test', path, { posted: 'x'.repeat(20_000) })
    assert.equal(status, 413)
  })

  it('whatever is sent, gets an address or one of the problems', () => {
    assertProperty(
      property(string({ unit: 'binary', maxLength: 300 }), text => {
        for (const sent of [text, requestFor(text)]) {
          const result = parseOutlookRequest(sent)
          assert.ok(typeof result === 'object' || result === 'invalid-request' || result === 'other-schema')
        }
      }),
    )
  })
})

describe("Apple's programs", () => {
  const valueOf = (profile: string, key: string): string | undefined =>
    new RegExp(`<key>${key}</key>\\s*<(?:string|integer)>([^<]*)<`).exec(profile)?.[1]

  it('get a profile with the account, which the page for people links', async () => {
    const page = await ask('mail.example.test', '/mail?address=anna%40example.test')
    assert.deepEqual([page.status, page.type], [200, 'text/html; charset=utf-8'])
    for (const words of ['Settings for your mail program', 'Настройки почтовой программы', 'STARTTLS'])
      assert.ok(page.body.includes(words), words)
    const [, link = ''] = /href="([^"]+\.mobileconfig)"/.exec(page.body) ?? []
    const { status, type, body } = await ask('mail.example.test', link)
    assert.deepEqual([status, type], [200, 'application/x-apple-aspen-config'])
    const values = {
      EmailAccountType: 'EmailTypeIMAP',
      EmailAddress: 'anna@example.test',
      IncomingMailServerHostName: 'mail.example.test',
      IncomingMailServerPortNumber: String(server.port('imaps')),
      IncomingMailServerUsername: 'anna@example.test',
      OutgoingMailServerHostName: 'mail.example.test',
      OutgoingMailServerPortNumber: String(server.port('submissions')),
      OutgoingMailServerUsername: 'anna@example.test',
    }
    for (const [key, value] of Object.entries(values)) assert.equal(valueOf(body, key), value, key)
    // Whoever installs it again does not have the account twice.
    assert.equal((await ask('mail.example.test', link)).body, body)
    assert.notEqual(
      valueOf((await ask('mail.example.test', '/mail/boris@example.test.mobileconfig')).body, 'PayloadUUID'),
      valueOf(body, 'PayloadUUID'),
    )
  })

  it('get a property list, as another reads it', { skip: missing('python3') }, async () => {
    const { body } = await ask(
      'mail.example.test',
      `/mail/${encodeURIComponent('"a<&>b"@example.test')}.mobileconfig`,
    )
    const program = 'import json, plistlib, sys; print(json.dumps(plistlib.loads(sys.stdin.buffer.read())))'
    const { exitCode, stdout, stderr } = await runProgram(['python3', '-c', program], { input: body })
    assert.equal(exitCode, 0, stderr)
    const { PayloadType, PayloadContent } = JSON.parse(stdout) as {
      readonly PayloadType: string
      readonly PayloadContent: readonly Readonly<Record<string, unknown>>[]
    }
    assert.equal(PayloadType, 'Configuration')
    const [account = {}] = PayloadContent
    assert.equal(account['PayloadType'], 'com.apple.mail.managed')
    assert.equal(account['EmailAddress'], '"a<&>b"@example.test')
    assert.equal(account['IncomingMailServerUseSSL'], true)
    assert.equal(account['OutgoingMailServerPortNumber'], server.port('submissions'))
  })

  it('get none for other domains, nor for what is no address; a person is asked again', async () => {
    for (const path of ['anna@example.org', 'anna', '%ff@example.test', '..%2f..%2fetc'])
      assert.equal((await ask('mail.example.test', `/mail/${path}.mobileconfig`)).status, 404, path)
    assert.match((await ask('mail.example.test', '/mail')).body, /<form action="\/mail">/)
    const wrong = await ask('mail.example.test', '/mail?address=%3Cscript%3E%40example.org')
    assert.equal(wrong.status, 404)
    assert.match(wrong.body, /<form action="\/mail">/)
    assert.doesNotMatch(wrong.body, /<script/)
  })
})

describe('the port', () => {
  it('has the policy of the domains too, and nothing else', async () => {
    assert.match((await ask('mta-sts.example.test', '/.well-known/mta-sts.txt')).body, /^version: STSv1/)
    const other = await ask('mail.example.test', '/other')
    assert.equal(other.status, 404)
    assert.match(other.body, /under \/mail, how mail programs reach it/)
    assert.equal((await ask('mta-sts.example.test', '/.well-known/mta-sts.txt', { posted: 'x' })).status, 404)
    assert.equal((await ask('mail.example.test', '/mail', { method: 'DELETE' })).status, 405)
  })

  it('is where the DNS records lead', async () => {
    const records = JSON.parse(await at.postrider('domain', 'dns', 'example.test', '--json')) as readonly {
      readonly name: string
      readonly type: string
      readonly value: string
    }[]
    const shown = records.map(({ name, type, value }) => `${name} ${type} ${value}`)
    for (const record of [
      'autoconfig.example.test CNAME mail.example.test.',
      'autodiscover.example.test CNAME mail.example.test.',
      '_autodiscover._tcp.example.test SRV 0 1 443 mail.example.test.',
    ])
      assert.ok(shown.includes(record), record)
  })
})
