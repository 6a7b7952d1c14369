// What a command may ask the server that runs on its data folder, when it can do without an answer.
import type { Settings } from '../config/settings.ts'
import { type ControlClient, connectControl } from '../main/control-client.ts'
import { Fault } from '../runtime/fault.ts'

/** 'none': no server runs. 'unavailable': one does, and this user may not ask it, or it does not answer. */
export async function askRunningServer<Answer extends object>(
  { dataFolder }: Pick<Settings, 'dataFolder'>,
  ask: (control: ControlClient) => Promise<Answer>,
): Promise<Answer | 'none' | 'unavailable'> {
  try {
    const control = await connectControl(dataFolder)
    if (!control) return 'none'
    try {
      return await ask(control)
    } finally {
      control.close()
    }
  } catch (cause) {
    if (cause instanceof Fault && cause.code.startsWith('CONTROL_')) return 'unavailable'
    throw cause
  }
}
