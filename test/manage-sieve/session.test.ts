// What transcripts cannot say: SCRAM with its answers, deadlines, a client that reads nothing, bytes that are none.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { array, constantFrom, assert as hold, oneof, property, uint8Array } from 'fast-check'
import { CommandReader, type ReadCommand } from '../../src/manage-sieve/command-reader.ts'
import { formatResponse, formatString } from '../../src/manage-sieve/response.ts'
import { eventually } from '../harness/eventually.ts'
import { createScramClient } from '../harness/scram-client.ts'
import { type House, type HouseOptions, openHouse } from './house.ts'
import { Peer } from './play.ts'

async function withHouse(
  test: (house: House, peer: Peer) => Promise<void>,
  options: HouseOptions = {},
): Promise<void> {
  const house = await openHouse(options)
  const peer = await Peer.open(house.port)
  try {
    while (!(await peer.line())?.startsWith('OK'));
    await test(house, peer)
  } finally {
    peer.destroy()
    await house.close()
  }
}

const say = (peer: Peer, line: string): Promise<void> => peer.write(Buffer.from(`${line}\r\n`))
const unquote = (line: string | undefined): string => line?.slice(1, -1) ?? ''
const base64 = (text: string): string => Buffer.from(text).toString('base64')

describe('SCRAM over ManageSieve', () => {
  for (const hash of ['SHA-256', 'SHA-1'] as const)
    it(`proves the client with ${hash}, and the server in the code SASL`, () =>
      withHouse(async (_, peer) => {
        const client = createScramClient({ name: 'anna@example.test', password: 'secret', hash })
        await say(peer, `AUTHENTICATE "SCRAM-${hash}" "${base64(client.first)}"`)
        const challenge = Buffer.from(unquote(await peer.line()), 'base64').toString()
        await say(peer, `"${base64(client.answer(challenge))}"`)
        assert.equal(await peer.line(), `OK (SASL "${base64(client.expected)}") "Logged in"`)
        await say(peer, 'LISTSCRIPTS')
        assert.equal(await peer.line(), 'OK')
      }))

  it('refuses a wrong password, and tells the trail whose it was', () =>
    withHouse(async (house, peer) => {
      const client = createScramClient({ name: 'anna@example.test', password: 'guess' })
      await say(peer, `AUTHENTICATE "SCRAM-SHA-256" "${base64(client.first)}"`)
      const challenge = Buffer.from(unquote(await peer.line()), 'base64').toString()
      await say(peer, `"${base64(client.answer(challenge))}"`)
      assert.equal(await peer.line(), 'NO "Name or password is wrong."')
      assert.deepEqual(house.refusedLogins, [
        { mechanism: 'SCRAM-SHA-256', loginName: 'anna@example.test', problem: 'wrong-password' },
      ])
      await say(peer, 'LISTSCRIPTS')
      assert.match((await peer.line()) ?? '', /^NO/)
    }))
})

describe('a connection of ManageSieve', () => {
  const logIn = async (peer: Peer): Promise<void> => {
    await say(peer, `AUTHENTICATE "PLAIN" "${base64('\0anna@example.test\0secret')}"`)
    assert.equal(await peer.line(), 'OK "Logged in"')
  }

  it('that says nothing is closed, earlier before the log-in', () =>
    withHouse(async (house, peer) => {
      house.passTime(59_000)
      await say(peer, 'NOOP')
      assert.equal(await peer.line(), 'OK')
      // What is said meanwhile gains no time.
      house.passTime(1000)
      assert.equal(await peer.line(), 'BYE "Nobody logged in for too long."')
      assert.equal(await peer.line(), undefined)
    }))

  for (const [why, options, farewell] of [
    [
      'there are too many',
      { limits: { maxConnections: 0 } },
      'BYE (TRYLATER) "Too many connections. Come again in a moment."',
    ],
    [
      'there are too many from its network',
      { limits: { maxConnectionsPerAddress: 0 } },
      'BYE (TRYLATER) "Too many connections from 127.0.0.1. Come again in a moment."',
    ],
    [
      'it is for others',
      { clients: ['192.0.2.1'] },
      'BYE "This server does not talk to your address on this port."',
    ],
  ] as const)
    it(`that is not taken is told why: ${why}`, async () => {
      const house = await openHouse(options)
      const peer = await Peer.open(house.port)
      try {
        assert.equal(await peer.line(), farewell)
        assert.equal(await peer.line(), undefined)
      } finally {
        peer.destroy()
        await house.close()
      }
    })

  it('of an account that has been removed is told so, and not that there is no space', () =>
    withHouse(
      async (_, peer) => {
        await logIn(peer)
        await say(peer, 'PUTSCRIPT "main" "keep;"')
        assert.equal(await peer.line(), 'NO "Your account is not here any more."')
      },
      { goneAccounts: true },
    ))

  it('that is logged in has half an hour', () =>
    withHouse(async (house, peer) => {
      await logIn(peer)
      house.passTime(29 * 60_000)
      await say(peer, 'NOOP')
      assert.equal(await peer.line(), 'OK')
      house.passTime(30 * 60_000)
      assert.equal(await peer.line(), 'BYE "The connection was idle for too long."')
    }))

  it('is not kept open by a byte a minute', () =>
    withHouse(async (house, peer) => {
      await peer.write(Buffer.from('NOOP'))
      house.passTime(59_999)
      await peer.write(Buffer.from('X'))
      house.passTime(1)
      assert.equal(await peer.line(), 'BYE "Nobody logged in for too long."')
    }))

  it('ends between two commands when the server stops', () =>
    withHouse(async (house, peer) => {
      void house.server.close(1000)
      assert.equal(await peer.line(), 'BYE (TRYLATER) "The server stops. Come again in a moment."')
      assert.equal(await peer.line(), undefined)
    }))

  it('is told when the server stops, and not before it has sent the script that it sends', () =>
    withHouse(async (house, peer) => {
      await logIn(peer)
      await peer.write(Buffer.from('NOOP\r\nPUTSCRIPT "main" {5+}\r\nke'))
      assert.equal(await peer.line(), 'OK')
      void house.server.close(1000)
      await peer.write(Buffer.from('ep;\r\n'))
      assert.equal(await peer.line(), 'OK')
      assert.equal(await peer.line(), 'BYE (TRYLATER) "The server stops. Come again in a moment."')
    }))

  it('is told when it begins with TLS', () =>
    withHouse(async (_, peer) => {
      await peer.write(Buffer.from([0x16, 0x03, 0x01, 0x00, 0x05]))
      assert.equal(await peer.line(), 'BYE "This port speaks without TLS first: say STARTTLS."')
      assert.equal(await peer.line(), undefined)
    }))

  it('that has gone is forgotten', () =>
    withHouse(async (house, peer) => {
      assert.equal(house.server.connectionCount, 1)
      peer.destroy()
      await eventually('no connections', async () => house.server.connectionCount === 0 || undefined)
    }))

  it('keeps a script as it came, byte for byte', () =>
    withHouse(async (house, peer) => {
      await logIn(peer)
      const script = 'require "fileinto";\r\n# счёт "\\"\r\nfileinto "Счета";\r\n'
      await say(peer, `PUTSCRIPT "all" {${Buffer.byteLength(script)}+}\r\n${script}`)
      assert.equal(await peer.line(), 'OK')
      assert.equal(house.scripts.get('anna@example.test all'), script)
    }))

  it('refuses a script that is no UTF-8', () =>
    withHouse(async (house, peer) => {
      await logIn(peer)
      await peer.write(
        Buffer.concat([
          Buffer.from('PUTSCRIPT "a" {8+}\r\nkeep;#'),
          Buffer.from([0xff, 0xfe]),
          Buffer.from('\r\n'),
        ]),
      )
      assert.equal(await peer.line(), 'NO "The script is not in UTF-8: save it so in your editor."')
      assert.equal(house.scripts.size, 0)
    }))

  it('shows nobody the scripts of another', () =>
    withHouse(async (house, peer) => {
      await logIn(peer)
      await say(peer, 'PUTSCRIPT "a" "keep;"')
      assert.equal(await peer.line(), 'OK')
      const boris = await Peer.open(house.port)
      while (!(await boris.line())?.startsWith('OK'));
      await say(boris, `AUTHENTICATE "PLAIN" "${base64('\0boris@example.test\0geheim')}"`)
      assert.equal(await boris.line(), 'OK "Logged in"')
      await say(boris, 'LISTSCRIPTS')
      assert.equal(await boris.line(), 'OK')
      await say(boris, 'GETSCRIPT "a"')
      assert.equal(await boris.line(), 'NO (NONEXISTENT) "There is no script of this name."')
      boris.destroy()
    }))

  it('is cut at any byte of an upload without a script that is half there', async () => {
    const upload = `AUTHENTICATE "PLAIN" "${base64('\0anna@example.test\0secret')}"\r\nPUTSCRIPT "a" {7+}\r\nkeep;\r\n\r\n`
    const house = await openHouse()
    try {
      for (let length = 0; length < upload.length; length++) {
        const peer = await Peer.open(house.port)
        await peer.write(Buffer.from(upload.slice(0, length)))
        peer.destroy()
      }
      await eventually('no connections', async () => house.server.connectionCount === 0 || undefined)
      assert.deepEqual([...house.scripts], [])
      assert.deepEqual(house.faults, [])
    } finally {
      await house.close()
    }
  })
})

const limits = { maxLineBytes: 200, maxLiteralBytes: 50, maxSkippedBytes: 500 }

function readAll(bytes: Buffer, pieceBytes: number): ReadCommand[] {
  const reader = new CommandReader(limits)
  const commands: ReadCommand[] = []
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    let rest: Buffer | undefined = bytes.subarray(at, at + pieceBytes)
    while (rest) {
      const step = reader.read(rest)
      rest = step.rest
      if (step.command) commands.push(step.command)
      if (step.command?.kind === 'lost') return commands
    }
  }
  return commands
}

describe('the reader of commands', () => {
  const piece = oneof(
    constantFrom(
      'NOOP',
      ' ',
      '"',
      '\\',
      '\r\n',
      '\n',
      '{5+}\r\n',
      '{0+}\r\n',
      '{60+}\r\n',
      '{3}\r\n',
      '"a b"',
      '123',
      'x'.repeat(90),
    ),
    uint8Array({ maxLength: 8 }).map(bytes => Buffer.from(bytes).toString('latin1')),
  )

  it('finds the same in any pieces, and never throws', () => {
    hold(
      property(array(piece, { maxLength: 30 }), parts => {
        const bytes = Buffer.from(parts.join(''), 'latin1')
        const whole = readAll(bytes, Math.max(bytes.length, 1))
        const byByte = readAll(bytes, 1)
        // Where a line that is too long is given up depends on what has come of it, and on nothing else.
        if (!whole.some(({ kind }) => kind === 'lost') && !byByte.some(({ kind }) => kind === 'lost'))
          assert.deepEqual(byByte, whole)
      }),
      { numRuns: 1000 },
    )
  })

  it('reads the strings that are written', () => {
    hold(
      property(uint8Array({ maxLength: 40 }), bytes => {
        const written = formatString(Buffer.from(bytes))
        const text = Buffer.concat([Buffer.from('NOOP '), Buffer.from(written), Buffer.from('\r\n')])
        const asClient = Buffer.from(text.toString('latin1').replace(/\{(\d+)\}\r\n/, '{$1+}\r\n'), 'latin1')
        assert.deepEqual(readAll(asClient, 3), [
          {
            kind: 'command',
            tokens: [
              { kind: 'atom', text: 'NOOP' },
              { kind: 'string', bytes: Buffer.from(bytes) },
            ],
          },
        ])
      }),
    )
  })

  it('of responses gives lines that end', () => {
    assert.equal(
      formatResponse({ kind: 'NO', code: 'QUOTA', text: 'a "b"\r\nc' }).toString(),
      'NO (QUOTA) {8}\r\na "b"\r\nc\r\n',
    )
  })
})
