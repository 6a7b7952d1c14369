// The UNIX sockets of LMTP: what is left of a server that died is removed, and who may open the file is said.
//
// Until that is said the system's usual mode holds, by which others may not write to it, and so not connect.
import { chmod, chown, readFile, unlink } from 'node:fs/promises'
import type { ServedListener, ServedOptions } from '../config/listener-roles.ts'
import { assertUsable } from '../config/probe-lmtp.ts'
import { type LmtpSettings, type LmtpSocket, lmtpPortsOf, lmtpSocketsOf } from '../config/settings.ts'
import { UsageFault } from '../runtime/fault.ts'

/**
 * What one of the fronts listens on; a UNIX socket can be one front's only. `bound`: what has been opened before, with the ports that
 * the system chose.
 */
export function lmtpListenerOptions(
  lmtp: readonly LmtpSettings[],
  front: number,
  fronts: number,
  bound: readonly ServedListener[],
): readonly ServedOptions[] {
  const ports = bound.filter(({ role, path }) => role === 'lmtp' && path === undefined)
  return [
    ...lmtpPortsOf(lmtp).map((one, index) => ({
      ...one,
      role: 'lmtp' as const,
      port: ports[index]?.port ?? one.port,
      reusePort: fronts > 1,
    })),
    ...(front === 0 ? lmtpSocketsOf(lmtp).map(({ path }) => ({ role: 'lmtp' as const, path })) : []),
  ]
}

/** Before they are opened. Throws a UsageFault when another program has one of them. */
export async function makeWay(sockets: readonly LmtpSocket[]): Promise<void> {
  for (const { path } of sockets) if ((await assertUsable(path)) === 'stale') await unlink(path)
}

/** When they are open. Throws a UsageFault when they cannot be given away. */
export async function guardSockets(sockets: readonly LmtpSocket[]): Promise<void> {
  for (const { path, mode, owner, group } of sockets) {
    const uid = owner === undefined ? undefined : await findId(owner, '/etc/passwd', 'owner')
    const gid = group === undefined ? undefined : await findId(group, '/etc/group', 'group')
    try {
      // -1: as it is.
      if (uid !== undefined || gid !== undefined) await chown(path, uid ?? -1, gid ?? -1)
      await chmod(path, mode)
    } catch (cause) {
      throw new UsageFault(
        'LMTP_SOCKET_OWNER',
        `The socket ${path} cannot be given to ${[owner, group].filter(name => name !== undefined).join(':')}: ${String(cause)}.\n` +
          '  Only root may give it to another user, and others to a group that they are in. Put the user of this server into that group, or write another one in [[lmtp]].',
        { cause },
      )
    }
  }
}

/** Of a user or group, by name or number, in a file of the system: name:x:number:… */
async function findId(name: string, file: string, setting: string): Promise<number> {
  if (/^\d{1,10}$/.test(name)) return Number(name)
  const table = await readFile(file, 'utf8').catch(() => '')
  const row = table.split('\n').find(line => line.startsWith(`${name}:`))
  const id = row?.split(':')[2]
  if (id === undefined)
    throw new UsageFault(
      'LMTP_SOCKET_OWNER',
      `There is no "${name}" in ${file}. Correct ${setting} in [[lmtp]], or write its number.`,
    )
  return Number(id)
}
