// A listener in words, for logs and messages.
import { formatEndpoint } from '../../address/format-endpoint.ts'
import type { BoundListener } from './options.ts'

/** 'relay 127.0.0.1:25' */
export function formatListener({ role, address, port }: BoundListener): string {
  return `${role} ${formatEndpoint(address, port)}`
}
