// What `why` advises in failures that are somebody's to mend: the right one's, and what really helps.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAddress } from '../../src/address/parse-address.ts'
import { createAccount } from '../../src/directory/accounts.ts'
import { createDomain } from '../../src/directory/domains.ts'
import { storedPassword } from '../../src/directory/new-password.ts'
import { removeRelayDomain } from '../../src/directory/relay-domains.ts'
import { holdRecipients, releaseRecipients, rerouteRecipients } from '../../src/queue/administer.ts'
import { findRecipients } from '../../src/queue/find-recipients.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { playScene, type Scene, type Stage, whyView } from './failure-scenes.ts'

process.env['TZ'] = 'UTC'

const mailHost = ['example.org MX 10 mx.example.org', 'mx.example.org A 127.0.0.2']
const waits: Scene['play'] = async ({ server }) => await server.settled()

async function rerouteTo({ server }: Stage, to: string): Promise<void> {
  const page = { selection: {}, afterId: 0, limit: 10 }
  const recipientIds = await server.storage.run(findRecipients, page)
  await server.storage.run(rerouteRecipients, { recipientIds, at: server.clock.now(), to })
  await server.settled()
}

interface Advice {
  readonly scene: Omit<Scene, 'title' | 'about'>
  /** In `why`, in one line. */
  readonly says: readonly RegExp[]
  readonly never: RegExp
}

const advices: Readonly<Record<string, Advice>> = {
  'a server that demands TLS and offers none: nothing is said of a certificate': {
    scene: {
      recipient: 'boris@example.org',
      zone: mailHost,
      script: command =>
        command.startsWith('MAIL') ? '530 5.7.0 Must issue a STARTTLS command first' : undefined,
    },
    says: [
      /because the other server demands an encryption that the connection did not have:/,
      /Its administrator has to offer encryption \(STARTTLS\) there; "postrider probe <address>"/,
    ],
    never: /certificate/,
  },
  'mail whose origin was not proven: what looks at SPF and DKIM': {
    scene: {
      recipient: 'boris@example.org',
      zone: mailHost,
      script: command =>
        command.startsWith('RCPT') ? '550 5.7.26 Unauthenticated mail is not accepted' : undefined,
    },
    says: [/"postrider domain dns <domain>" prints them, "postrider domain dkim <domain> --check"/],
    never: /postrider check/,
  },
  'an IP address from which the receiver takes no mail: another way out, and no list that it may be on': {
    scene: {
      recipient: 'boris@example.org',
      zone: mailHost,
      script: command =>
        command.startsWith('RCPT')
          ? "550 5.7.1 The IP you're using to send mail is not authorized to send email directly to our servers. Please use the SMTP relay at your service provider instead. https://support.google.com/mail/?p=NotAuthorizedError"
          : undefined,
    },
    says: [
      /because this server, or its network, has a bad name there:/,
      /Send mail through the mail server of your Internet or hosting provider \(the setting delivery\.smartHost\)/,
      /https:\/\/support\.google\.com\/mail\/\?p=NotAuthorizedError$/,
    ],
    never: /blocklist/,
  },
  'a relayed domain whose only MX is this server: nobody is to fetch anything, and it cannot be reached': {
    scene: {
      recipient: 'boris@home.test',
      relays: 'home.test',
      zone: ['home.test MX 10 mail.example.com', 'mail.example.com A 127.0.0.9'],
      play: waits,
    },
    says: [
      /it stands in line until the DNS names a server for it\. The only attempt so far did not succeed,/,
      /the MX records of home\.test lead to no server before this one\. The DNS is asked again at /,
      /an MX record that leads to its own server, with a smaller number than any that leads to this one\./,
      /"postrider domain relay <domain> --keep-until-fetched --owner <account>"/,
    ],
    never: /ATRN|could be reached|has not fetched/,
  },
  'a relayed domain that the DNS does not know: the address of the sender is right': {
    scene: { recipient: 'boris@home.test', relays: 'home.test', zone: mailHost, play: waits },
    says: [
      /the domain home\.test does not exist\./,
      /The domain needs an MX record that leads to its own server/,
    ],
    never: /correct the address/,
  },
  'a host to which an administrator sends it and which does not exist: nothing is wrong with the resolver': {
    scene: {
      recipient: 'boris@example.org',
      zone: mailHost,
      script: command => (command.startsWith('RCPT') ? '451 4.3.0 Later' : undefined),
      async play(stage) {
        await stage.server.settled()
        await rerouteTo(stage, 'mx.nope.test:25')
      },
    },
    says: [
      /in line for host mx\.nope\.test:25, which has no address\./,
      /the host mx\.nope\.test, to which an administrator sends this mail, does not exist in the DNS \(NXDOMAIN\)\./,
      /Name another one \("postrider queue reroute <queue id> --via <host:port>"\)/,
    ],
    never: /resolver|could be reached/,
  },
}

for (const [what, { scene, says, never }] of Object.entries(advices)) {
  test(`why: ${what}`, async t => {
    const played = await playScene(t, { title: what, about: '', ...scene }, 'en')
    const said = (await whyView.collect(played)).replaceAll(/\s+/g, ' ')
    for (const words of says) assert.match(said, words)
    assert.doesNotMatch(said, never)
  })
}

test('mail of a relayed domain is held, the domain made one of this server, and the mail released: it arrives', async t => {
  const recipient = 'boris@home.test'
  const zone = ['home.test MX 10 mail.example.com', 'mail.example.com A 127.0.0.9']
  const scene: Scene = { title: '', about: '', recipient, relays: 'home.test', zone, play: waits }
  const { server } = await playScene(t, scene, 'en')
  const { storage, clock } = server
  const at = clock.now()
  const page = { selection: {}, afterId: 0, limit: 10 }
  const recipientIds = await storage.run(findRecipients, page)
  await storage.run(holdRecipients, { recipientIds, at })
  await storage.run(removeRelayDomain, { name: 'home.test', at })
  await storage.run(createDomain, { name: 'home.test', at })
  await storage.run(createAccount, {
    address: parseAddress(recipient) ?? assert.fail(),
    name: '',
    ...(await storedPassword(storage, recipient, 'secret', { random: systemRandom, at, scramHashes: [] })),
    language: 'en',
    enabled: true,
    at,
  })
  await storage.run(releaseRecipients, { recipientIds, at })
  await server.settled()
  assert.equal((await server.mailbox(recipient)).length, 1)
})
