// A listener that cannot be opened: one message, with what to do.
import assert from 'node:assert/strict'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { describe, it } from 'node:test'
import { describeForbidden, describeListenError, type ListenAddress } from '../../src/config/listen-error.ts'
import { probeListeners } from '../../src/config/probe-listeners.ts'
import { Fault, UsageFault } from '../../src/runtime/fault.ts'

function open({ address, port }: ListenAddress): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(port, address, () => resolve(server))
  })
}

const close = (server: Server): Promise<void> => new Promise(resolve => server.close(() => resolve()))

async function failureOf(listener: ListenAddress): Promise<unknown> {
  const opened = await open(listener).catch((cause: unknown) => cause)
  if (opened instanceof Error) return opened
  return assert.fail(`${listener.address}:${listener.port} could be opened`)
}

const systemError = (code: string): Error => Object.assign(new Error(code), { code, syscall: 'listen' })

describe('listeners that are probed', () => {
  it('are all open at one time, so that two which exclude each other are found', async () => {
    const free = await open({ address: '127.0.0.1', port: 0 })
    const { port } = free.address() as AddressInfo
    await close(free)
    assert.deepEqual(await probeListeners([{ address: '127.0.0.1', port }]), [])
    const both = await probeListeners([
      { address: '127.0.0.1', port },
      { address: '0.0.0.0', port },
    ])
    assert.deepEqual(
      both.map(({ code }) => code),
      ['LISTEN_PORT_IN_USE'],
    )
    // Nothing stays open.
    assert.deepEqual(await probeListeners([{ address: '127.0.0.1', port }]), [])
  })
})

describe('a listener that cannot be opened', () => {
  it('because of another program: says which port, how to find who it is, and what to change', async () => {
    const other = await open({ address: '127.0.0.1', port: 0 })
    const { port } = other.address() as AddressInfo
    const fault = describeListenError(await failureOf({ address: '127.0.0.1', port }), {
      address: '127.0.0.1',
      port,
    })
    await close(other)
    assert.equal(fault.code, 'LISTEN_PORT_IN_USE')
    assert.ok(fault.message.includes(`127.0.0.1:${port} already`))
    assert.ok(fault.message.includes(`ss -ltnp 'sport = :${port}'`))
  })

  it('because low ports are root’s: all of them in one message', () => {
    const listeners = [
      { address: '::', port: 587 },
      { address: '0.0.0.0', port: 25 },
    ]
    const { message } = describeForbidden(listeners, systemError('EACCES'))
    assert.match(message, /^This user may not listen on \[::\]:587, 0\.0\.0\.0:25: /)
    assert.match(message, /ip_unprivileged_port_start=25 /)
  })

  it('because the address is not of this machine', async () => {
    const listener = { address: '192.0.2.1', port: 2525 }
    const fault = describeListenError(await failureOf(listener), listener)
    assert.equal(fault.code, 'LISTEN_NO_SUCH_ADDRESS')
    assert.match(fault.message, /no address 192\.0\.2\.1/)
  })

  it('because IPv6 is turned off: says so', () => {
    assert.match(
      describeListenError(systemError('EAFNOSUPPORT'), { address: '::', port: 25 }).message,
      /IPv6 is turned off.*"0\.0\.0\.0"/s,
    )
  })

  it('because low ports are root’s: names the ways out', () => {
    const fault = describeListenError(systemError('EACCES'), { address: '::', port: 25 })
    assert.equal(fault.code, 'LISTEN_PORT_FORBIDDEN')
    for (const way of [
      '[::]:25',
      'CAP_NET_BIND_SERVICE',
      'ip_unprivileged_port_start=25',
      'setcap',
      'above 1023',
    ]) {
      assert.ok(fault.message.includes(way), way)
    }
  })

  it('is understood through the faults around it', () => {
    const wrapped = new Fault('THREAD_FAILED', 'the front thread failed', {
      cause: systemError('EADDRINUSE'),
    })
    assert.equal(describeListenError(wrapped, { address: '::', port: 25 }).code, 'LISTEN_PORT_IN_USE')
  })

  it('is named by the error itself, where the caller does not know which one it was', async () => {
    const fault = describeListenError(await failureOf({ address: '192.0.2.1', port: 2525 }))
    assert.match(fault.message, /no address 192\.0\.2\.1/)
  })

  it('for a reason that has its own message keeps that message', () => {
    const fault = new UsageFault('TLS_MISSING', 'it needs a certificate')
    assert.equal(describeListenError(fault), fault)
  })

  it('for a reason that nobody foresaw keeps that reason', () => {
    assert.match(
      describeListenError(new Error('the moon is full'), { address: '::', port: 25 }).message,
      /the moon is full/,
    )
  })
})
