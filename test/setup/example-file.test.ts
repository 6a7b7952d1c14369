// The file that `postrider init` writes: it loads, names every setting, and its comments are true.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { describeSettings } from '../../src/config/describe-settings.ts'
import { parseSettings } from '../../src/config/load-settings.ts'
import { composeSettingsFile } from '../../src/setup/example-file.ts'

const chosen = {
  hostname: 'mail.example.com',
  dataFolder: '/var/lib/postrider',
  listeners: [{ role: 'relay', address: '192.0.2.1', port: 25 }],
}

/** The settings that stand in comments, taken out of them. */
function uncomment(text: string, except: readonly string[]): string {
  return text
    .split('\n')
    .map(line => {
      const setting = /^# ([A-Za-z]+) = /.exec(line)?.[1]
      const isSetting = setting !== undefined && !except.includes(setting)
      return isSetting || /^# \[[A-Za-z.]+\]$/.test(line) ? line.slice(2) : line
    })
    .join('\n')
}

describe('the settings file of postrider init', () => {
  const text = composeSettingsFile(chosen)
  // And what goes with them, with another challenge, or with another way to find an entry.
  const files = [
    'certificateFile',
    'keyFile',
    'passwordFile',
    'caFile',
    'hmacKeyFile',
    'keyId',
    'hook',
    'userDn',
  ]

  it('loads, with what was chosen', () => {
    const settings = parseSettings(text, '/etc/postrider.toml')
    assert.equal(settings.hostname, 'mail.example.com')
    assert.equal(settings.dataFolder, '/var/lib/postrider')
    assert.deepEqual(settings.listeners, [{ role: 'relay', address: '192.0.2.1', port: 25, proxyFrom: [] }])
  })

  it('names every setting', () => {
    for (const { name, kind } of describeSettings()) {
      if (kind === 'item') continue
      const leaf = name.slice(name.lastIndexOf('.') + 1)
      const line = new RegExp(`^(# )?(${leaf} = |${leaf}: |\\[+[A-Za-z.]*${leaf}\\]+$)`, 'm')
      assert.match(text, line, name)
    }
  })

  it('has nothing in its comments that the server would refuse', () => {
    // Tables that are nothing without a file.
    const withoutFiles = uncomment(text, files)
      .replace(/^\[login\.certificates\][^]*?\n\[submission\]/m, '[submission]')
      .replace(/^\[hooks\][^]*?\n\[health\]/m, '[health]')
    const settings = parseSettings(withoutFiles, '/etc/postrider.toml')
    assert.equal(settings.delivery.smartHost?.host, 'smtp.example.com')
    assert.deepEqual(settings.delivery.dnsServers, ['192.0.2.53', '[2001:db8::53]:5353'])
  })

  it('shows defaults in its comments: without them nothing changes', () => {
    const words = describeSettings().filter(({ defaultIsWords }) => defaultIsWords)
    const shown = words.map(({ name }) => name.slice(name.lastIndexOf('.') + 1))
    const smartHost = ['host', 'username', 'password']
    // What is there by its heading alone.
    const withoutHeading = uncomment(text, [...files, ...shown, ...smartHost])
      .replace(/^\[delivery\.smartHost\][^]*?\n\[trail\]/m, '[trail]')
      .replace(/^\[tls\.acme\][^]*?\n\[limits\]/m, '[limits]')
      .replace(/^\[login\.ldap\][^]*?\n\[submission\]/m, '[submission]')
      .replace(/^\[hooks\][^]*?\n\[threads\]/m, '[threads]')
    assert.deepEqual(
      parseSettings(withoutHeading, '/etc/postrider.toml'),
      parseSettings(text, '/etc/postrider.toml'),
    )
  })
})
