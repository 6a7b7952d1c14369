// Can every listener be opened?
import { createServer } from 'node:net'
import { describeListenError, type ListenAddress } from '../listen-error.ts'
import type { Settings } from '../settings.ts'
import { type Finding, ok } from './finding.ts'

const subject = 'listeners'

/** `running`: this server holds its ports itself. */
export async function checkListeners({ listeners }: Settings, running: boolean): Promise<Finding[]> {
  if (running) return [ok(subject, 'the server is running and has its ports')]
  const findings: Finding[] = []
  for (const listener of listeners) findings.push(...(await tryListener(listener)))
  return findings.length > 0 ? findings : [ok(subject, `all ${listeners.length} can be opened`)]
}

async function tryListener(listener: ListenAddress): Promise<Finding[]> {
  try {
    await openAndClose(listener)
    return []
  } catch (cause) {
    const fault = describeListenError(cause, listener)
    const [what = '', ...remedy] = fault.message.split('\n')
    return [
      {
        severity: 'error',
        subject,
        what,
        cost: 'The server does not start.',
        remedy:
          remedy.map(line => line.trim()).join('\n') || 'Correct the address and the port of this listener.',
      },
    ]
  }
}

function openAndClose({ address, port }: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ host: address, port, exclusive: true }, () => server.close(() => resolve()))
  })
}
