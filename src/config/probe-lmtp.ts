// Can the ports and the UNIX sockets of [[lmtp]] be opened? What is there already may be the socket of another server, a stale one, or
// a file that somebody wants to keep.
import { lstat, stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { UsageFault } from '../runtime/fault.ts'
import { portsIn } from './listen-error.ts'
import { probeListeners } from './probe-listeners.ts'
import { type LmtpSettings, type LmtpSocket, lmtpPortsOf, lmtpSocketsOf } from './settings.ts'

/** A fault for each problem. */
export async function probeLmtp(lmtp: readonly LmtpSettings[]): Promise<UsageFault[]> {
  return [
    ...(await probeListeners(lmtpPortsOf(lmtp), portsIn('[[lmtp]]'))),
    ...(await probeSockets(lmtpSocketsOf(lmtp))),
  ]
}

async function probeSockets(sockets: readonly Pick<LmtpSocket, 'path'>[]): Promise<UsageFault[]> {
  const faults = await Promise.all(sockets.map(({ path }) => probeSocket(path)))
  return faults.filter(fault => fault !== undefined)
}

async function probeSocket(path: string): Promise<UsageFault | undefined> {
  try {
    await assertUsable(path)
    return undefined
  } catch (cause) {
    if (cause instanceof UsageFault) return cause
    throw cause
  }
}

/** 'stale': a socket is there that nobody listens to, and may be removed. Throws a UsageFault when it cannot be opened. */
export async function assertUsable(path: string): Promise<'free' | 'stale'> {
  const folder = await stat(dirname(path)).catch(() => undefined)
  if (!folder?.isDirectory())
    throw new UsageFault(
      'LMTP_SOCKET_FOLDER',
      `There is no folder ${dirname(path)} for the socket ${path}, or this user may not look into it.\n` +
        '  Make it, owned by the user of this server (RuntimeDirectory= in the systemd unit does it), or write another path in [[lmtp]].',
    )
  const found = await lstat(path).catch(() => undefined)
  if (!found) return 'free'
  if (!found.isSocket())
    throw new UsageFault(
      'LMTP_SOCKET_TAKEN',
      `${path} is there already, and is no socket.\n  Remove it, or write another path in [[lmtp]].`,
    )
  if (await isAnswered(path))
    throw new UsageFault(
      'LMTP_SOCKET_IN_USE',
      `Another program listens on ${path} already.\n  Who it is:  ss -lxp src ${path}\n  Stop that program, or write another path in [[lmtp]].`,
    )
  return 'stale'
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ path })
    const tell = (isThere: boolean): void => {
      socket.destroy()
      resolve(isThere)
    }
    socket.once('connect', () => tell(true))
    // EACCES too: somebody is there who does not want us.
    socket.once('error', (cause: NodeJS.ErrnoException) =>
      tell(cause.code !== 'ECONNREFUSED' && cause.code !== 'ENOENT'),
    )
  })
}
