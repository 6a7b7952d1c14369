// The command line itself is wrong, in a way that commander cannot see: exit code 2.
import { UsageFault } from '../runtime/fault.ts'

export class WrongUsage extends UsageFault {
  constructor(message: string, options?: ErrorOptions) {
    super('CLI_USAGE', message, options)
  }
}
