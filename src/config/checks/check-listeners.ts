// Can every listener be opened?
import { createServer, type Server } from 'node:net'
import { describeListenError, type ListenAddress } from '../listen-error.ts'
import type { Settings } from '../settings.ts'
import { type Finding, ok } from './finding.ts'

const subject = 'listeners'

/** `running`: this server holds its ports itself. */
export async function checkListeners({ listeners }: Settings, running: boolean): Promise<Finding[]> {
  if (running) return [ok(subject, 'the server is running and has its ports')]
  const findings: Finding[] = []
  const opened: Server[] = []
  try {
    // All open at one time, as the server has them: [::]:25 and 0.0.0.0:25 are free one after the other, not together.
    for (const listener of listeners) {
      try {
        opened.push(await open(listener))
      } catch (cause) {
        findings.push(describeFailure(cause, listener))
      }
    }
  } finally {
    await Promise.all(opened.map(close))
  }
  return findings.length > 0 ? findings : [ok(subject, `all ${listeners.length} can be opened`)]
}

function describeFailure(cause: unknown, listener: ListenAddress): Finding {
  const [what = '', ...remedy] = describeListenError(cause, listener).message.split('\n')
  return {
    severity: 'error',
    subject,
    what,
    cost: 'The server does not start.',
    remedy:
      remedy.map(line => line.trim()).join('\n') || 'Correct the address and the port of this listener.',
  }
}

function open({ address, port }: ListenAddress): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(socket => socket.destroy())
    server.once('error', reject)
    server.listen({ host: address, port, exclusive: true }, () => resolve(server))
  })
}

function close(server: Server): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve())
  })
}
