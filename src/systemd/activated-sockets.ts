// Sockets that systemd opened before it started this process (sd_listen_fds(3)): where each of them listens.
import { fstatSync, readFileSync } from 'node:fs'
import { endianness } from 'node:os'
import ipaddr from 'ipaddr.js'
import { UsageFault } from '../runtime/fault.ts'

export interface ActivatedSocket {
  readonly fd: number
  readonly address: string
  readonly port: number
}

type Environment = Record<string, string | undefined>

const firstFd = 3

/** Takes the variables out of `environment`: they are about this process and none that it starts. */
export function takeActivatedSockets(environment: Environment, pid: number): ActivatedSocket[] {
  const { LISTEN_PID: forPid, LISTEN_FDS: count } = environment
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES']) delete environment[name]
  // Those of a parent are none of ours.
  if (forPid !== String(pid) || count === undefined || !/^\d{1,4}$/.test(count)) return []
  const listening = readListening()
  return Array.from({ length: Number(count) }, (_, index) => {
    const fd = firstFd + index
    const place = listening.get(inodeOf(fd))
    if (!place) {
      throw new UsageFault(
        'ACTIVATED_SOCKET_UNFIT',
        `systemd hands over the file descriptor ${fd}, which is no TCP socket that listens. Write ListenStream= with a port, or an address and a port, in postrider.socket, and nothing else; Accept= has to be no.`,
      )
    }
    return { fd, ...place }
  })
}

function inodeOf(fd: number): number | undefined {
  try {
    return fstatSync(fd).ino
  } catch {
    // EBADF: there is none.
    return undefined
  }
}

interface Place {
  readonly address: string
  readonly port: number
}

/** The TCP sockets that listen, by inode. Asking the socket itself would take a handle that closes it in the end. */
function readListening(): ReadonlyMap<number | undefined, Place> {
  return new Map(
    ['/proc/self/net/tcp', '/proc/self/net/tcp6'].flatMap(file =>
      readTable(file)
        .split('\n')
        .map(parseLine)
        .filter(row => row !== undefined),
    ),
  )
}

function readTable(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    // Without IPv6 there is no tcp6; without /proc no socket is found, which has its own message.
    return ''
  }
}

/** `  0: 0100007F:0019 00000000:0000 0A …`: address and port, the peer's, the state; the inode is the tenth field. */
function parseLine(line: string): [number, Place] | undefined {
  const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/)
  const [, addressText = '', portText = ''] = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(local) ?? []
  if (state !== listens || addressText === '') return undefined
  const bytes = [...Buffer.from(addressText, 'hex')]
  return [
    Number(inode),
    { address: ipaddr.fromByteArray(inNetworkOrder(bytes)).toString(), port: Number.parseInt(portText, 16) },
  ]
}

const listens = '0A'

/** Each four bytes are printed as a number of this machine. */
function inNetworkOrder(bytes: readonly number[]): number[] {
  return endianness() === 'BE'
    ? [...bytes]
    : bytes.map((_, index) => bytes[(index & ~3) + 3 - (index & 3)] ?? 0)
}
