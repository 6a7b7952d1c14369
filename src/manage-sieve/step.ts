// What a session of ManageSieve wants done next.
import { formatResponse, type Response } from './response.ts'

export interface Step {
  readonly output: Buffer
  readonly effect?: 'start-tls' | 'close'
}

export function say(response: Response): Step {
  return { output: formatResponse(response) }
}

export function close(response: Response): Step {
  return { output: formatResponse(response), effect: 'close' }
}
