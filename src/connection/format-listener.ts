// A listener in words, for logs and messages.
import { formatEndpoint } from '../address/format-endpoint.ts'
import type { BoundListener, ListenerOptions } from './listener-options.ts'

/** 'relay 127.0.0.1:25', 'lmtp unix:/run/postrider/lmtp' */
export function formatListener({ role, address, port, path }: BoundListener): string {
  return `${role} ${path === undefined ? formatEndpoint(address, port) : `unix:${path}`}`
}

/** The same of what is yet to be opened. */
export function formatOptions(options: ListenerOptions): string {
  return 'path' in options ? formatListener({ ...options, address: '', port: 0 }) : formatListener(options)
}
