// Can every listener be opened?
import { probeListeners } from '../probe-listeners.ts'
import { probeLmtp } from '../probe-lmtp.ts'
import type { Settings } from '../settings.ts'
import { type Finding, ok } from './finding.ts'

const subject = 'listeners'

/** `running`: this server holds its ports itself. */
export async function checkListeners({ listeners, lmtp }: Settings, running: boolean): Promise<Finding[]> {
  if (running) return [ok(subject, 'the server is running and has its ports')]
  const faults = [...(await probeListeners(listeners)), ...(await probeLmtp(lmtp))]
  if (faults.length === 0) return [ok(subject, `all ${listeners.length + lmtp.length} can be opened`)]
  return faults.map(fault => {
    const [what = '', ...remedy] = fault.message.split('\n')
    return {
      severity: 'error',
      subject,
      what,
      cost: 'The server does not start.',
      remedy:
        remedy.map(line => line.trim()).join('\n') || 'Correct the address and the port of this listener.',
    }
  })
}
