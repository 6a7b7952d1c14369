// The settings file: what it may say, and what is said about each mistake in it.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import * as fc from 'fast-check'
import { loadSettings, parseSettings } from '../../src/config/load-settings.ts'
import { lmtpPortsOf, lmtpSocketsOf } from '../../src/config/settings.ts'
import { SettingsFault } from '../../src/config/settings-fault.ts'
import { UsageFault } from '../../src/runtime/fault.ts'

const hostname = 'hostname = "mail.example.com"\n'

function faultOf(text: string): SettingsFault {
  try {
    parseSettings(text, '/etc/postrider.toml')
  } catch (cause) {
    assert.ok(cause instanceof SettingsFault, String(cause))
    return cause
  }
  return assert.fail(`no mistake was found in\n${text}`)
}

describe('a settings file', () => {
  let folder = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'postrider-settings-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  it('needs no more than a host name', () => {
    const settings = parseSettings(hostname, '/etc/postrider/postrider.toml')
    assert.equal(settings.hostname, 'mail.example.com')
    assert.equal(settings.dataFolder, '/etc/postrider/postrider-data')
    assert.deepEqual(
      settings.listeners.map(({ role, address, port }) => `${role} ${address} ${port}`),
      [
        'relay :: 25',
        'submission :: 587',
        'submissions :: 465',
        'imap :: 143',
        'imaps :: 993',
        'pop3 :: 110',
        'pop3s :: 995',
        'sieve :: 4190',
      ],
    )
    assert.deepEqual(settings.localNetworks, [])
    assert.equal(settings.submission.allowPlaintextAuthOnLoopback, false)
    assert.equal(settings.delivery.smartHost, undefined)
    assert.ok(settings.threads.front >= 1 && settings.threads.front <= 4)
  })

  it('may have a byte order mark and CRLF line ends', () => {
    assert.equal(
      parseSettings('\uFEFFhostname = "mail.example.com"\r\nlanguage = "ru"\r\n', 'x.toml').language,
      'ru',
    )
  })

  it('takes a U-label and keeps the A-label', () => {
    assert.equal(
      parseSettings('hostname = "почта.пример.рф"', 'x.toml').hostname,
      'xn--80a1acny.xn--e1afmkfd.xn--p1ai',
    )
  })

  it('takes a single address as a network', () => {
    const settings = parseSettings(
      `${hostname}localNetworks = ["192.0.2.1", "2001:db8::1", "10.0.0.0/8"]`,
      'x.toml',
    )
    assert.deepEqual(settings.localNetworks, ['192.0.2.1/32', '2001:db8::1/128', '10.0.0.0/8'])
  })

  it('takes LMTP by a UNIX socket or a port, and hands it to those who have mailboxes', () => {
    const settings = parseSettings(
      `${hostname}[[lmtp]]\npath = "lmtp"\nmode = "660"\ngroup = "postfix"\n[[lmtp]]\nport = 24\nclients = ["10.0.0.7"]\n[[delivery.lmtp]]\nto = "[2001:db8::1]:24"\ndomains = ["пример.рф"]`,
      '/etc/postrider/postrider.toml',
    )
    assert.deepEqual(lmtpSocketsOf(settings.lmtp), [
      { path: '/etc/postrider/lmtp', mode: 0o660, owner: undefined, group: 'postfix' },
    ])
    assert.deepEqual(lmtpPortsOf(settings.lmtp), [{ address: '::', port: 24, clients: ['10.0.0.7'] }])
    assert.deepEqual(settings.delivery.lmtp, [{ to: '[2001:db8::1]:24', domains: ['xn--e1afmkfd.xn--p1ai'] }])
  })

  it('counts relative paths from its own folder, and reads the password of the smart host', async () => {
    writeFileSync(join(folder, 'password'), 'secret word\nsecond line\n')
    writeFileSync(join(folder, 'certificate.pem'), '')
    writeFileSync(join(folder, 'key.pem'), '')
    const file = join(folder, 'postrider.toml')
    writeFileSync(
      file,
      `${hostname}[tls]\ncertificateFile = "certificate.pem"\nkeyFile = "key.pem"\n` +
        '[delivery.smartHost]\nhost = "smtp.example.com"\nusername = "anna"\npasswordFile = "password"\n',
    )
    const settings = await loadSettings(file)
    assert.equal(settings.tls.certificateFile, join(folder, 'certificate.pem'))
    assert.equal(settings.tls.keyFile, join(folder, 'key.pem'))
    assert.equal(settings.delivery.smartHost?.password, 'secret word')
    assert.equal(settings.delivery.smartHost?.port, 587)
  })

  it('names servers to fetch mail from, each with its password', async () => {
    const file = join(folder, 'fetching.toml')
    writeFileSync(join(folder, 'fetch-password'), 'of the second\n')
    writeFileSync(
      file,
      `${hostname}[[fetch]]\nhost = "one.example.com"\nusername = "a"\npassword = "of the first"\n` +
        '[[fetch]]\nhost = "two.example.com"\nport = 366\nusername = "b"\npasswordFile = "fetch-password"\ndomains = ["Почта.рф"]\n',
    )
    const { fetch } = await loadSettings(file)
    assert.deepEqual(
      fetch.map(({ host, port, tls, password, domains }) => ({ host, port, tls, password, domains })),
      [
        { host: 'one.example.com', port: 587, tls: 'starttls', password: 'of the first', domains: [] },
        {
          host: 'two.example.com',
          port: 366,
          tls: 'starttls',
          password: 'of the second',
          domains: ['xn--80a1acny.xn--p1ai'],
        },
      ],
    )
  })

  it('names receivers in one way, whatever the spelling', () => {
    const { delivery } = parseSettings(
      `${hostname}[[delivery.limits]]\nmatch = ["Gmail", "Example.ORG", "почта.рф", ".Mail.Example.org", "[192.0.2.1]"]\nconnections = 1\n`,
      'x.toml',
    )
    assert.deepEqual(delivery.limits[0]?.match, [
      'gmail',
      'example.org',
      'xn--80a1acny.xn--p1ai',
      '.mail.example.org',
      '[192.0.2.1]',
    ])
  })

  it('that is missing, a folder or not UTF-8 is one clear fault', async () => {
    await assert.rejects(loadSettings(join(folder, 'nowhere.toml')), {
      name: 'UsageFault',
      code: 'SETTINGS_UNREADABLE',
      message: /nowhere\.toml: There is no such file\. Write one with "postrider init"/,
    })
    await assert.rejects(loadSettings(folder), /This is a folder/)
    writeFileSync(join(folder, 'latin1.toml'), Buffer.from([0x68, 0xe4, 0x0a]))
    await assert.rejects(loadSettings(join(folder, 'latin1.toml')), /not UTF-8/)
  })
})

describe('a mistake in the settings file', () => {
  /** [what the file says after the host name, line:column, what is said] */
  const mistakes: readonly (readonly [string, string, RegExp])[] = [
    // Names
    ['lisdteners = 1', '2:1', /no setting "lisdteners"\. Did you mean "listeners"\?/],
    [
      '[limits]\nmax_recipients = 5',
      '3:1',
      /"max_recipients" in \[limits\]\. Did you mean "maxRecipients"\?/,
    ],
    ['maxRecipients = 500', '2:1', /belongs below \[limits\]/],
    ['[tls]\nlocalNetworks = []', '3:1', /belongs at the top of the file/],
    [
      '[[listeners]]\nrole = "relay"\nport = 25\nprt = 1',
      '5:1',
      /in \[\[listeners\]\]\. Did you mean "port"/,
    ],
    ['zzz = 1', '2:1', /no setting "zzz"\. Remove this line/],
    ['__proto__ = 1', '2:1', /no setting "__proto__"/],
    ['[constructor]\nprototype = 1', '2:1', /no setting "constructor"/],
    // Types
    ['verifyForEveryone = "true"', '2:21', /Write it without quotation marks: verifyForEveryone = true/],
    ['[limits]\nmaxRecipients = "500"', '3:17', /without quotation marks: maxRecipients = 500/],
    ['[limits]\nmaxRecipients = 500.5', '3:17', /has to be a whole number from 100 to 100000/],
    ['localNetworks = "10.0.0.0/8"', '2:17', /square brackets: localNetworks = \["10\.0\.0\.0\/8"\]/],
    ['[[login.openid]]\naudience = "x"', '3:12', /Write it in square brackets: audience = \["x"\]/],
    ['[[scanners]]\nkind = "clamd"', '3:8', /"milter" or "http"\. Did you mean "clamav"\?/],
    ['[[scanners]]\nkind = "xyz"', '3:8', /Write for example kind = "rspamd"$/m],
    [
      '[[scanners]]\nkind = "http"\nurl = "ftp://x"',
      '4:7',
      /scanners\[\]\.url is "ftp:\/\/x"\. Write a URL that begins with http:\/\/ or https:\/\/\./,
    ],
    ['[spam]\njunkScore = "2.5"', '3:13', /without quotation marks: junkScore = 2\.5/],
    ['[spam]\njunkScore = 0', '3:13', /has to be a number from 0\.1 to 1000/],
    ['listeners = 25', '2:13', /Write \[\[listeners\]\] in a line of its own/],
    ['tls = true', '2:7', /Write \[tls\] in a line of its own/],
    ['listeners = []', '2:13', /empty/],
    ['dataFolder = 2026-01-01', '2:14', /is a date/],
    ['language = ["en"]', '2:12', /has to be "en" or "ru"/],
    // Ranges and forms
    ['language = "de"', '2:12', /has to be "en" or "ru"/],
    ['[queue]\nretryMinutes = [1, 0]', '3:20', /is 0; it has to be a whole number from 1 to 10080/],
    ['[queue]\nretryMinutes = []', '3:16', /at least one/],
    ['[[listeners]]\nrole = "relay"\nport = 65536', '4:8', /from 0 to 65535\. Write for example port = 25$/m],
    ['[health]\nport = 65536', '3:8', /from 0 to 65535\. Write for example port = 8025$/m],
    [
      '[[listeners]]\nrole = "relay"\nport = 25\naddress = "localhost"',
      '5:11',
      /not an IP address\. Write "::"/,
    ],
    [
      '[[lmtp]]\nmode = "0660"',
      '2:1',
      /Write path = "\/run\/postrider\/lmtp" for a UNIX socket, or port and clients/,
    ],
    ['[[lmtp]]\npath = "/run/lmtp"\nport = 24', '4:8', /has a path or a port/],
    ['[[lmtp]]\nport = 24', '3:8', /knows no passwords: say who may talk to this port/],
    ['[[lmtp]]\nport = 24\nclients = []', '4:11', /knows no passwords/],
    ['[[lmtp]]\nport = 25\nclients = ["10.0.0.7"]', '3:8', /Port 25 is for SMTP/],
    ['[[lmtp]]\nport = 24\nclients = ["0.0.0.0/0"]', '4:12', /is everybody, and LMTP knows no passwords/],
    ['[[lmtp]]\nport = 24\nclients = ["front"]', '4:12', /"front" is/],
    ['[[lmtp]]\nport = 24\nclients = ["10.0.0.7"]\nmode = "0660"', '5:8', /mode is for a UNIX socket/],
    ['[[lmtp]]\npath = "/run/lmtp"\nclients = ["10.0.0.7"]', '4:11', /mode, owner and group say/],
    ['[[lmtp]]\npath = "/run/lmtp"\naddress = "::"', '4:11', /has no address/],
    ['[[lmtp]]\npath = "/run/lmtp"\nmode = "rw"', '4:8', /"rw" is no mode\. Write three digits/],
    [`[[lmtp]]\npath = "/${'x'.repeat(120)}"`, '3:8', /at most 107 bytes, and this one has 121/],
    [
      '[[lmtp]]\nport = 587\nclients = ["10.0.0.7"]',
      '3:8',
      /number 2 has the port 587 already, on which LMTP/,
    ],
    ['[[lmtp]]\npath = "/run/lmtp"\n[[lmtp]]\npath = "/run/lmtp"', '5:8', /has this path already/],
    ['[[delivery.lmtp]]\nto = "dovecot"', '3:6', /"dovecot" is no LMTP server\. Write "unix:/],
    ['[[delivery.lmtp]]\nto = "unix:lmtp"', '3:6', /is no LMTP server/],
    ['[[delivery.lmtp]]\nto = "dovecot.example.com:0"', '3:6', /no port from 1 to 65535/],
    [
      '[[delivery.lmtp]]\nto = "unix:/run/a"\n[[delivery.lmtp]]\nto = "unix:/run/b"',
      '5:6',
      /takes all the rest already/,
    ],
    [
      '[[delivery.lmtp]]\nto = "unix:/run/a"\ndomains = ["example.org"]\n[[delivery.lmtp]]\nto = "unix:/run/b"\ndomains = ["example.org"]',
      '7:11',
      /has example\.org already/,
    ],
    ['[[lmtp]]\npath = "/run/lmtp"\n[[delivery.lmtp]]\nto = "unix:/run/lmtp"', '5:6', /would go in a circle/],
    ['[[listeners]]\nport = 25', '2:1', /role is missing in \[\[listeners\]\]\. Write role = "relay"/],
    ['localNetworks = ["10.0.0.1/8"]', '2:18', /Write "10\.0\.0\.0\/8" for the network/],
    ['localNetworks = ["10.0.0.0/33"]', '2:18', /a number from 0 to 32/],
    ['localNetworks = ["office"]', '2:18', /not a network/],
    ['[delivery]\ndnsServers = ["192.0.2.53:99999"]', '3:15', /not the address of a DNS server/],
    ['[delivery.smartHost]\nhost = "smtp"', '3:8', /not a full host name/],
    [
      '[[delivery.sourcePools]]\nname = "a b"\n[[delivery.sourcePools.sources]]\naddress = "192.0.2.1"',
      '3:8',
      /"a b" is no name for a pool/,
    ],
    ['[[delivery.sourcePools]]\nname = "a"', '2:1', /Write \[\[delivery\.sourcePools\.sources\]\] in a line/],
    [
      '[[delivery.sourcePools]]\nname = "a"\nsources = []',
      '4:11',
      /delivery\.sourcePools\[\]\.sources is empty/,
    ],
    [
      '[[delivery.sourcePools]]\nname = "a"\nclasses = ["spam"]\n[[delivery.sourcePools.sources]]\naddress = "192.0.2.1"',
      '4:12',
      /has to be "transactional", "bulk" or "report"/,
    ],
    [
      '[[delivery.sourcePools]]\nname = "a"\n[[delivery.sourcePools.sources]]\naddress = "0.0.0.0"',
      '5:11',
      /No connection can come from "0\.0\.0\.0"\. Write one address of this machine/,
    ],
    [
      '[[delivery.sourcePools]]\nname = "a"\n[[delivery.sourcePools.sources]]\naddress = "192.0.2.1"\nwarmUp = "no"',
      '6:10',
      /has to be true or false, or a list of whole numbers from 1 to 1000000000/,
    ],
    [
      '[[delivery.sourcePools]]\nname = "a"\n[[delivery.sourcePools.sources]]\naddress = "192.0.2.1"\nheloNam = "x"',
      '6:1',
      /in \[\[delivery\.sourcePools\.sources\]\]\. Did you mean "heloName"/,
    ],
    [
      '[[delivery.limits]]\nmatch = ["example.org", "gmial"]\nconnections = 1',
      '3:25',
      /"gmial" is neither a provider .* Did you mean "gmail"\?/,
    ],
    ['[[delivery.limits]]\nmatch = ["*"]\nconnections = 1', '3:10', /Write a provider such as "gmail"/],
    [
      '[[delivery.limits]]\nmatch = ["*.example.org"]\nconnections = 1',
      '3:10',
      /such as "\.mail\.example\.org"/,
    ],
    [
      '[[delivery.sourcePools]]\nname = "a"\ndestinations = ["gmial"]\n[[delivery.sourcePools.sources]]\naddress = "192.0.2.1"',
      '4:17',
      /Did you mean "gmail"/,
    ],
    [
      '[[delivery.sourcePools]]\nname = "a"\nsenders = ["bob"]\n[[delivery.sourcePools.sources]]\naddress = "192.0.2.1"',
      '4:12',
      /"bob" is neither an address nor a domain\. Write one such as/,
    ],
    [
      '[[submission.limits]]\nmatch = ["bob"]\nperDay = 1',
      '3:10',
      /"bob" is neither an address nor a domain/,
    ],
    ['[delivery.verp]\nsenders = ["@lists"]', '3:12', /neither an address nor a domain with its @/],
    // What doesn't go together
    [
      '[[delivery.sourcePools]]\nname = "a"\n[[delivery.sourcePools.sources]]\naddress = "2001:DB8::1"\n' +
        '[[delivery.sourcePools]]\nname = "b"\n[[delivery.sourcePools.sources]]\naddress = "2001:db8:0::1"',
      '9:11',
      /The pool "a" has 2001:db8::1 already/,
    ],
    [
      '[[delivery.sourcePools]]\nname = "a"\n[[delivery.sourcePools.sources]]\naddress = "192.0.2.1"\n' +
        '[[delivery.sourcePools]]\nname = "a"\n[[delivery.sourcePools.sources]]\naddress = "192.0.2.2"',
      '7:8',
      /There is a pool "a" already/,
    ],
    ['[tls]\nkeyFile = "/dev/null"', '3:11', /stands alone.*Write certificateFile too/],
    [
      '[tls.acme]\nagreeToTerms = false',
      '3:16',
      /Without your agreement .* Write true, or remove \[tls\.acme\]/,
    ],
    ['[tls.acme]\ncontact = []', '2:1', /agreeToTerms is missing in \[tls\.acme\]/],
    [
      '[tls.acme]\nagreeToTerms = true\nchallenge = "dns-01"',
      '4:13',
      /takes a program that writes to the DNS\. Write hook/,
    ],
    ['[tls.acme]\nagreeToTerms = true\nhook = ["/bin/true"]', '4:8', /hook is for dns-01 only/],
    [
      '[tls.acme]\nagreeToTerms = true\nnames = ["*.example.com"]',
      '4:9',
      /"\*\.example\.com" can be proven by dns-01 only/,
    ],
    ['[tls.acme]\nagreeToTerms = true\nnames = ["*"]', '4:10', /"\*" is not a full host name/],
    [
      '[tls.acme]\nagreeToTerms = true\ndirectory = "letsencrypt"',
      '4:13',
      /is not the address of a directory/,
    ],
    ['[tls.acme]\nagreeToTerms = true\nkeyId = "kid-1"', '4:9', /keyId and hmacKeyFile belong together/],
    [
      '[tls.acme]\nagreeToTerms = true\ncaFile = "/nowhere/ca.pem"',
      '4:10',
      /no such file: \/nowhere\/ca\.pem/,
    ],
    [
      '[tls.acme]\nagreeToTerms = true\nport = 25',
      '4:8',
      /listener number 1 has the port 25 already, on which the authority is answered \(\[tls\.acme\]\)\. Give one/,
    ],
    ['[mtaSts]\nport = 465', '3:8', /has the port 465 already, on which the MTA-STS policy is served/],
    [
      '[tls.acme]\nagreeToTerms = true\nchallenge = "tls-alpn-01"\n[mtaSts]',
      '5:1',
      /On port 443 the authority is answered \(\[tls\.acme\]\) already, and there the MTA-STS policy is served too/,
    ],
    ['[mtaSts]\nmode = "always"', '3:8', /testing/],
    ['[autoconfig]\nport = 465', '3:8', /has the port 465 already, on which mail programs are told/],
    [
      '[mtaSts]\n[autoconfig]\naddress = "192.0.2.1"',
      '3:1',
      /On port 443 the MTA-STS policy is served already, and there mail programs are told .* too/,
    ],
    [
      '[tls]\ncertificateFile = "/dev/null"\nkeyFile = "/dev/null"\n[tls.acme]\nagreeToTerms = true',
      '3:19',
      /both for the host name\. Write in \[tls\.acme\] for which names it is/,
    ],
    [
      '[[tls.certificates]]\ncertificateFile = "/dev/null"\nkeyFile = "/nowhere/k.pem"',
      '4:11',
      /no such file: \/nowhere\/k\.pem/,
    ],
    [
      '[queue]\nlifetimeHours = 4',
      '2:1',
      /delayNoticeHours is 4, but the server gives up after lifetimeHours = 4/,
    ],
    ['[delivery.smartHost]\nhost = "a.example"\nusername = "anna"', '4:12', /stands without a password/],
    [
      '[[listeners]]\nrole = "relay"\nport = 25\n[[listeners]]\nrole = "submission"\nport = 25',
      '7:8',
      /listener number 1 has this address and port already/,
    ],
    [
      '[[login.openid]]\nissuer = "https://sso.example"',
      '2:1',
      /audience is missing in \[\[login\.openid\]\]/,
    ],
    [
      '[[login.openid]]\nissuer = "http://sso.example"\naudience = ["a"]',
      '3:10',
      /would be asked for its keys without TLS/,
    ],
    [
      '[[login.openid]]\nissuer = "sso.example"\naudience = ["a"]',
      '3:10',
      /is no address of an OpenID provider\. Write what the provider calls its issuer/,
    ],
    ['[[login.openid]]\nissuer = "https://sso.example"\naudience = []', '4:12', /audience is empty/],
    [
      '[[login.openid]]\nissuer = "https://sso.example"\naudience = ["a"]\ndomain = "@example.org"',
      '5:10',
      /"@example\.org" is no domain/,
    ],
    [
      '[[login.openid]]\nissuer = "https://sso.example"\naudience = ["a"]\ncaFile = "/nowhere/ca.pem"',
      '5:10',
      /no such file: \/nowhere\/ca\.pem/,
    ],
    [
      '[login.ldap]\nurl = "https://ldap.example"\nbase = "dc=x"',
      '3:7',
      /is no LDAP server\. Write one such as "ldaps:/,
    ],
    ['[login.ldap]\nurl = "ldaps://ldap.example/dc=x"\nbase = "dc=x"', '3:7', /into base and filter/],
    ['[login.ldap]\nurl = "ldaps://ldap.example"', '3:7', /Where are your people in this directory\?/],
    [
      '[login.ldap]\nurl = "ldaps://ldap.example"\nbase = "dc=x"\nuserDn = "uid={localPart},dc=x"',
      '5:10',
      /two ways to find an entry/,
    ],
    ['[login.ldap]\nurl = "ldaps://ldap.example"\nbase = "people"', '4:8', /"people" is no name of an entry/],
    [
      '[login.ldap]\nurl = "ldaps://ldap.example"\nuserDn = "uid=anna,dc=x"',
      '4:10',
      /does not make the name of an entry from an address/,
    ],
    [
      '[login.ldap]\nurl = "ldaps://ldap.example"\nbase = "dc=x"\nfilter = "mail={address}"',
      '5:10',
      /is no filter of LDAP/,
    ],
    [
      '[login.ldap]\nurl = "ldaps://ldap.example"\nbase = "dc=x"\nfilter = "(objectClass=person)"',
      '5:10',
      /finds the same entries whatever the address is/,
    ],
    [
      '[login.ldap]\nurl = "ldaps://ldap.example"\nbase = "dc=x"\nbindDn = "cn=x,dc=x"',
      '5:10',
      /bindDn stands without a password/,
    ],
    [
      '[login.ldap]\nurl = "ldaps://ldap.example"\nbase = "dc=x"\nbindDn = "cn=x,dc=x"\npassword = ""',
      '6:12',
      /An empty password proves nobody/,
    ],
    [
      '[login.ldap]\nurl = "ldaps://ldap.example"\nbase = "dc=x"\npassword = "x"',
      '5:12',
      /A password without bindDn is nobody’s/,
    ],
    [
      '[login.ldap]\nurl = "ldap://ldap.example"\ntls = "never"\nbase = "dc=x"',
      '4:7',
      /passwords of your users would cross the network as they are/,
    ],
    [
      '[login.ldap]\nurl = "ldaps://localhost"\ntls = "never"\nbase = "dc=x"',
      '4:7',
      /ldaps:\/\/ has TLS from the first byte/,
    ],
    [
      '[login.ldap]\nurl = "ldaps://ldap.example"\nbase = "dc=x"\nbindDn = "cn=x,dc=x"\npasswordFile = "/nowhere/password"',
      '6:16',
      /no such file: \/nowhere\/password/,
    ],
    ['[login.certificates]\nuseAddresses = true', '2:1', /caFile is missing in \[login\.certificates\]/],
    ['[login.certificates]\ncaFile = "/dev/null"', '3:10', /This file has no certificate \(PEM/],
    ['[login.certificates]\ncaFile = "/nowhere/ca.pem"', '3:10', /no such file: \/nowhere\/ca\.pem/],
    [
      '[login.certificates]\ncaFile = "/dev/null"\n[[login.certificates.accounts]]\naccount = "a@example.com"',
      '5:11',
      /Which certificate is that of this account\? Write commonName or fingerprint too/,
    ],
    [
      '[login.certificates]\ncaFile = "/dev/null"\n[[login.certificates.accounts]]\ncommonName = "x"\nfingerprint = "12:34"\naccount = "a@example.com"',
      '6:15',
      /is no SHA-256 of a certificate/,
    ],
    // Files
    [
      '[tls]\ncertificateFile = "/nowhere/c.pem"\nkeyFile = "/dev/null"',
      '3:19',
      /no such file: \/nowhere\/c\.pem/,
    ],
    [
      '[delivery.smartHost]\nhost = "a.example"\nusername = "a"\npasswordFile = "/dev/null"',
      '5:16',
      /first line of this file is empty/,
    ],
    ['[[fetch]]\nhost = "a.example"\nusername = "a"', '4:12', /username stands without a password/],
    [
      '[[fetch]]\nhost = "a.example"\nusername = "a"\npassword = "b"\ndomains = ["no domain"]',
      '6:12',
      /"no domain" is no domain name/,
    ],
    [
      '[[fetch]]\nhost = "a.example"\nusername = "a"\npasswordFile = "/nowhere/password"',
      '5:16',
      /no such file: \/nowhere\/password/,
    ],
    // DMARC, ARC
    ['[mailAuthentication]\ndmarc = "enforce"\nspf = "off"', '4:7', /DMARC needs it/],
    ['[mailAuthentication.dmarcReports]\ncontact = "postmaster"', '3:11', /"postmaster" is no mail address/],
    [
      '[mailAuthentication.dmarcReports]\norganization = "a\\nb"',
      '3:16',
      /at most 200 characters, on one line/,
    ],
    ['[forwarding]\nsealArc = true\n[dkim]\nsign = false', '3:11', /dkim\.sign is false/],
    [
      '[forwarding]\nsealArc = true\n[mailAuthentication]\narc = "off"',
      '3:11',
      /mailAuthentication\.arc is "off"/,
    ],
    // TOML itself
    ['dataFolder = /var/mail', '2:14', /Text needs quotation marks/],
    ['dataFolder = "/var/mail', '2:24', /closing quotation mark is missing/],
    ['dataFolder "/var/mail"', '2:12', /"=" is missing/],
    ['dataFolder =', '2:13', /value is missing/],
    ['= 5', '2:1', /does not belong here\. Write name = value/],
    ['localNetworks = ["10.0.0.0/8" "192.0.2.1"]', '2:31', /comma is missing/],
    ['dataFolder = "C:\\mail"', '2:18', /Write \\\\ for a backslash/],
    [
      'language = "en" # x\nverifyForEveryone = true, true',
      '3:25',
      /One setting in a line|one setting in a line/,
    ],
    ['hostname = "b.example"', '2:1', /there already/],
    ['nonsense\nlanguage = "en"', '2:1', /do not stand in one line/],
  ]
  for (const [text, place, message] of mistakes) {
    it(`is named with its place: ${text.replaceAll('\n', ' ⏎ ')}`, () => {
      const fault = faultOf(hostname + text)
      assert.match(fault.message, message)
      assert.ok(fault.message.includes(`/etc/postrider.toml:${place}\n`), fault.message)
    })
  }

  it('shows its line with a mark under the place', () => {
    assert.equal(
      faultOf(`${hostname}language = "de"\n`).message,
      [
        'The settings file has a mistake:',
        '',
        '/etc/postrider.toml:2:12',
        '  2 | language = "de"',
        '                 ^',
        '    language is "de"; it has to be "en" or "ru". Write for example language = "en"',
      ].join('\n'),
    )
  })

  it('does not hide the others: all are told at once, in the order of the file', () => {
    const fault = faultOf(
      'lnguage = "en"\nbroken = yes\n[limits]\nmaxRecipients = 1\n[tls]\nkeyFile = "/nowhere"\n',
    )
    // The host name may stand in the line that could not be read, so its absence is no mistake yet.
    assert.deepEqual(
      fault.mistakes.map(({ line }) => line),
      [1, 2, 4, 6, 6],
    )
    assert.ok(fault instanceof UsageFault)
  })

  it('that is an open list is told once, not for each line after it', () => {
    assert.equal(
      faultOf('localNetworks = ["10.0.0.0/8",\nhostname = "a.example"\nlanguage = "en"\n').mistakes.length,
      1,
    )
  })

  it('of a missing host name has an example', () => {
    assert.match(faultOf('').message, /hostname is missing\. Write hostname = "mail\.example\.com"/)
  })

  it('in any text at all is a SettingsFault, never another error', () => {
    const line = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.constantFrom(
        'hostname = "a.example"',
        '[limits]',
        '[[listeners]]',
        'role = "relay"',
        'port = 25',
        'x.y.z = [[1], {a = 2}]',
        '[a.b]',
        '"" = 1',
        "'''",
        '"""',
        '[',
        '{',
        '#',
        'a = 1e400',
        'a = nan',
        'tls = {}',
        '[tls.x]',
        '[[queue]]',
      ),
    )
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), lines => {
        try {
          parseSettings(lines.join('\n'), 'x.toml')
        } catch (cause) {
          assert.ok(cause instanceof SettingsFault, `${JSON.stringify(lines)}: ${String(cause)}`)
          assert.ok(cause.mistakes.length > 0)
        }
      }),
      { numRuns: 1000 },
    )
  })
})
